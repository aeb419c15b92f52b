"""Find out who runs the project's async tests, and what the suite and its configuration say of event loops.

pytest-asyncio does, or anyio's plugin, or nobody yet. Marks and fixtures may name the scope of their loop; what counts
threads will see those that a loop keeps.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hermetic.source.configuration import Configuration
from hermetic.source.modules import Module, Place
from hermetic.source.requirements import Bound, find_bounds, read_requirements
from hermetic.source.suite_modules import outside_tests
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import last_name

FIXTURES, TESTS = "asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope"
FLAGS = {"--asyncio-mode": "asyncio_mode", "--anyio-mode": "anyio_mode"}

KEYWORDS = {"asyncio": ("loop_scope", "scope"), "fixture": ("loop_scope",)}
"""How a mark and a fixture are told their loop scope; ``scope`` is a mark's older word."""

COUNTS = frozenset({"threading.enumerate", "threading.active_count", "threading.activeCount"})
LOGGING = frozenset({"log", "debug", "info", "warning", "error", "critical", "print"})


@dataclass(frozen=True)
class AsyncSettings:
    """How pytest is told to run async tests and fixtures: by keys of its configuration, and flags in ``addopts``.

    Attributes:
        is_auto: Whether pytest-asyncio takes every async test and fixture.
        is_anyio_auto: Whether anyio's plugin does.
        fixture_scope: The scope of the loop in which pytest-asyncio runs fixtures; None where each has its own.
        test_scope: The scope of the loop in which it runs tests.
        is_barred: Whether pytest-asyncio is switched off.
        is_anyio_barred: Whether anyio's plugin is.
    """

    is_auto: bool
    is_anyio_auto: bool
    fixture_scope: str | None
    test_scope: str
    is_barred: bool
    is_anyio_barred: bool


def read_async_settings(configuration: Configuration) -> AsyncSettings:
    """Read how pytest is told to run them; what the command line of a run adds is not known."""
    words = configuration.strings("addopts")
    values = {key: str(value) for key, value in configuration.values.items()} | dict(_overridden(words))
    scope = values.get(FIXTURES, "").strip()
    return AsyncSettings(
        is_auto=values.get("asyncio_mode") == "auto",
        is_anyio_auto=values.get("anyio_mode") == "auto",
        fixture_scope=None if scope in ("", "fixture-scope") else scope,
        test_scope=values.get(TESTS, "").strip() or "function",
        is_barred="no:asyncio" in " ".join(words),
        is_anyio_barred="no:anyio" in " ".join(words),
    )


def _overridden(words: list[str]) -> list[tuple[str, str]]:
    """Return what flags set: ``-o key=value``, ``--asyncio-mode=auto``."""
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=False):
        flag, has_value, value = word.partition("=")
        if flag in FLAGS:
            found.append((FLAGS[flag], value if has_value else following))
        elif word in ("-o", "--override-ini") and "=" in following:
            key, _, value = following.partition("=")
            found.append((key, value))
    return found


@dataclass(frozen=True)
class LoopScope:
    """A loop scope that a mark or a fixture names.

    Attributes:
        scope: The scope: ``session``, ``module``.
        text: The argument as it is written.
        place: Where.
    """

    scope: str
    text: str
    place: Place


@dataclass(frozen=True)
class Runner:
    """Who runs async tests.

    Attributes:
        asyncio: Whether it is pytest-asyncio.
        anyio: Whether it is anyio's plugin; both may be in use.
        async_tests: How many ``async def`` tests there are.
        is_unclaimed: Whether there are some, and no mark, no import and no class of unittest's says who runs them.
        bounds: What is known of the version of pytest-asyncio, where that is in use.
        loop_scopes: The loop scopes that the suite itself names.
        thread_counts: Where fixtures and helpers count threads.
    """

    asyncio: bool
    anyio: bool
    async_tests: int
    is_unclaimed: bool = False
    bounds: tuple[Bound, ...] = ()
    loop_scopes: tuple[LoopScope, ...] = ()
    thread_counts: tuple[Place, ...] = ()

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
    named = any(map(_uses_asyncio, sources.tests))
    barred = read_async_settings(configuration).is_barred
    anyio = "anyio_mode" in configuration.values or any(map(_uses_anyio, sources.tests))
    asyncio = not barred and (
        any(key.startswith("asyncio_") for key in configuration.values)
        or re.search(r"pytest[-_]asyncio", wanted) is not None
        or named
    )
    if not asyncio and not anyio and not barred:
        asyncio = bool(installed("pytest-asyncio"))
    count = sum(1 for module in sources.tests for test in _async_tests(module))
    if not asyncio:
        return Runner(asyncio, anyio, count)
    return Runner(
        asyncio,
        anyio,
        count,
        not named and not anyio and any(map(_has_plain_tests, sources.tests)),
        tuple(find_bounds("pytest-asyncio", sources.around(configuration.path.parent), installed)),
        tuple(scope for module in sources.tests for scope in _loop_scopes(module)),
        tuple(place for module in sources.tests for place in _thread_counts(module, symbols)),
    )


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


def _has_plain_tests(module: Module) -> bool:
    """Whether a test module has async tests outside classes with a base, which may run them itself."""
    tests = set(_async_tests(module))
    plain = [node for node in module.tree.body if isinstance(node, ast.ClassDef) and not node.bases]
    return not tests.isdisjoint([*module.tree.body, *(node for each in plain for node in each.body)])


def _loop_scopes(module: Module) -> Iterator[LoopScope]:
    """Yield the loop scopes that marks and fixtures name."""
    for call in module.of(ast.Call) if module.mentions("scope", "loop_scope") else ():
        keywords = KEYWORDS.get(last_name(call.func), ())
        for word in call.keywords:
            if word.arg in keywords:
                scope = ast.unparse(word.value).strip("'")
                yield LoopScope(scope, ast.unparse(word), Place(module.path, call.lineno))


def _thread_counts(module: Module, symbols: Symbols) -> Iterator[Place]:
    """Yield the places outside tests that count threads, as fixtures do which look for threads left running."""
    words = {name.rpartition(".")[2] for name in COUNTS}
    for node in outside_tests(module.tree) if module.mentions(*words) else ():
        called = symbols.resolve(module.path, node.func) if isinstance(node, ast.Call) else None
        is_count = called is not None and called.name in COUNTS
        if isinstance(node, ast.Call) and is_count and not _is_logged(module, node):
            yield Place(module.path, node.lineno)


def _is_logged(module: Module, node: ast.AST) -> bool:
    """Whether something is only written to a log, which no test fails by."""
    while node in module.parents and not isinstance(node, ast.stmt):
        node = module.parents[node]
        if isinstance(node, ast.Call) and last_name(node.func) in LOGGING:
            return True
    return False
