"""Find out who runs the project's async tests, and in which event loop they and their fixtures are to run.

pytest-asyncio does, or anyio's plugin, or nobody yet. What a project already says about modes and loop scopes is its
own business and is never changed.

One loop for the session is the setting under which nothing can be attached to another loop; and on PostgreSQL, where
a connection costs 2-5 ms and cannot change loops, it saves a connect a test. It takes two keys, and the second came
with pytest-asyncio 0.26: with the first alone, fixtures and tests would be in different loops. Where a suite names loop
scopes itself, the keys would move some of it and not the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.editing import Setting
from hermetic.cli.init.superseded import outside_tests
from hermetic.source.configuration import Configuration
from hermetic.source.requirements import Bound, find_bounds, read_requirements
from hermetic.source.sources import Module
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import last_name


@dataclass(frozen=True)
class Runner:
    """Who runs async tests.

    Attributes:
        asyncio: Whether it is pytest-asyncio.
        anyio: Whether it is anyio's plugin; both may be in use.
        async_tests: How many ``async def`` tests there are.
        settings: What is to be added to the configuration.
        remarks: What is to be said of event loops.
    """

    asyncio: bool
    anyio: bool
    async_tests: int
    settings: tuple[Setting, ...]
    remarks: tuple[Remark, ...]

    @property
    def description(self) -> str:
        """The runner's name, for the report."""
        names = [name for name, used in (("pytest-asyncio", self.asyncio), ("anyio", self.anyio)) if used]
        return " and ".join(names) or "none"


def find_runner(symbols: Symbols, configuration: Configuration, installed: Callable[[str], str]) -> Runner:
    """Tell the runner from settings, tests and requirements; failing those, from what is installed.

    Args:
        symbols: The project's names.
        configuration: pytest's settings.
        installed: Returns the version of a distribution where this command runs; empty where there is none.
    """
    sources = symbols.sources
    wanted = read_requirements((sources.root, configuration.path.parent))
    barred = "no:asyncio" in " ".join(configuration.strings("addopts"))
    anyio = "anyio_mode" in configuration.values or any(map(_uses_anyio, sources.tests))
    asyncio = not barred and (
        any(key.startswith("asyncio_") for key in configuration.values)
        or re.search(r"pytest[-_]asyncio", wanted) is not None
        or any(map(_uses_asyncio, sources.tests))
    )
    if not asyncio and not anyio and not barred:
        asyncio = bool(installed("pytest-asyncio"))
    count = sum(1 for module in sources.tests for test in _async_tests(module))
    if not asyncio:
        return Runner(asyncio, anyio, count, (), ())
    bounds = find_bounds("pytest-asyncio", sources.around(configuration.path.parent), installed)
    loops = find_loops(sources.tests, symbols, configuration, bounds)
    free = "asyncio_mode" not in configuration.values and not count and not anyio
    mode = (Setting("asyncio_mode", "auto"),) if free else ()
    return Runner(asyncio, anyio, count, (*mode, *loops.settings), loops.remarks)


def _uses_anyio(module: Module) -> bool:
    """Whether a test module has anyio's mark, or names its fixture."""
    if not module.mentions("anyio", "anyio_backend"):
        return False
    named = [*(node.arg for node in module.of(ast.arg)), *(node.name for node in module.of(ast.FunctionDef))]
    return "anyio_backend" in named or _marks(module, "anyio") or _imports(module, "anyio_backend")


def _uses_asyncio(module: Module) -> bool:
    """Whether a test module has pytest-asyncio's mark, or imports it."""
    if not module.mentions("asyncio", "pytest_asyncio"):
        return False
    return _imports(module, "pytest_asyncio") or _marks(module, "asyncio")


def _imports(module: Module, name: str) -> bool:
    return any(re.search(rf"\b{name}\b", ast.unparse(node)) for node in module.imports)


def _marks(module: Module, name: str) -> bool:
    return module.mentions("mark") and any(
        node.attr == name and last_name(node.value) == "mark" for node in module.of(ast.Attribute)
    )


def _async_tests(module: Module) -> Iterator[ast.AsyncFunctionDef]:
    return (node for node in module.of(ast.AsyncFunctionDef) if node.name.startswith("test"))


FIXTURES, TESTS = SCOPES = ("asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope")
BOTH_SINCE = (0, 26)
WHY_SESSION = (
    "One event loop for the run: pooled connections live in it, and a loop a test costs a connect a test."
)
KEYWORDS = {"asyncio": ("loop_scope", "scope"), "fixture": ("loop_scope",)}
"""How a mark and a fixture are told their loop scope; ``scope`` is a mark's older word."""

COUNTS = frozenset({"threading.enumerate", "threading.active_count", "threading.activeCount"})


@dataclass(frozen=True)
class Remark:
    """What is to be said of a project's loops, and the place that it is about.

    Attributes:
        text: The sentence.
        file: The file; None where there is none.
        line: The line in it; 0 for the file as a whole.
    """

    text: str
    file: Path | None = None
    line: int = 0


@dataclass(frozen=True)
class Loops:
    """The keys to add, and what is to be said of them."""

    settings: tuple[Setting, ...] = ()
    remarks: tuple[Remark, ...] = ()


def find_loops(
    tests: Sequence[Module], symbols: Symbols, configuration: Configuration, bounds: Sequence[Bound]
) -> Loops:
    """Propose one loop for all where nothing speaks against it.

    Args:
        tests: The modules of the suite.
        symbols: The project's names.
        configuration: pytest's settings.
        bounds: What is known of the version of pytest-asyncio.
    """
    own = [place for module in tests for place in _own_scopes(module)]
    old = next((bound for bound in bounds if not bound.allows(BOTH_SINCE)), None)
    if any(key in configuration.values for key in SCOPES):
        return Loops(remarks=() if own or old else tuple(_disagreement(configuration)))
    if old is not None:
        return Loops(remarks=(_too_old(old),))
    other = next((remark for scope, remark in own if scope != "session"), None)
    if other is not None:
        return Loops(remarks=(other,))
    settings = (Setting(FIXTURES, "session", WHY_SESSION), Setting(TESTS, "session"))
    return Loops(settings, tuple(_thread_counts(tests, symbols))[:1])


def _disagreement(configuration: Configuration) -> Iterator[Remark]:
    """Say it where fixtures and tests are sent to different loops; a project's own keys are never changed."""
    fixtures, tests = (str(configuration.values.get(key) or "function") for key in SCOPES)
    if fixtures != tests:
        yield Remark(
            f"fixtures run in a loop of the {fixtures}, tests in one of the {tests}: what a fixture leaves open is of"
            f" another loop than its test. To have one: {FIXTURES} and {TESTS} with the same value",
            configuration.path,
        )


def _too_old(bound: Bound) -> Remark:
    return Remark(
        f"loop scopes are left out: {TESTS} came with pytest-asyncio 0.26, and this project has {bound.text}",
        bound.file,
    )


def _own_scopes(module: Module) -> Iterator[tuple[str, Remark]]:
    """Yield the loop scopes that marks and fixtures name, and what is said of one that is not the session's."""
    for call in module.of(ast.Call) if module.mentions("scope", "loop_scope") else ():
        keywords = KEYWORDS.get(getattr(call.func, "attr", getattr(call.func, "id", "")), ())
        for word in call.keywords:
            if word.arg in keywords:
                text = f"loop scopes are left out: the suite names its own, {ast.unparse(word)}"
                yield ast.unparse(word.value).strip("'"), Remark(text, module.path, call.lineno)


def _thread_counts(tests: Sequence[Module], symbols: Symbols) -> Iterator[Remark]:
    """Yield the places outside tests that count threads, as fixtures do which look for threads left running."""
    text = (
        "threads are counted: the session's loop keeps those of its executor (asyncio_0, asyncio_1) once a test has"
        " used it; let them not count, or leave both loop scopes out"
    )
    words = {name.rpartition(".")[2] for name in COUNTS}
    for module in tests:
        for node in outside_tests(module.tree) if module.mentions(*words) else ():
            called = symbols.resolve(module.path, node.func) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and called is not None and called.name in COUNTS:
                yield Remark(text, module.path, node.lineno)
