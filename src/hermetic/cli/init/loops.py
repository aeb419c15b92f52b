"""Decide in which event loop a suite's tests and fixtures are to run, and what speaks against that.

One loop for the session is the setting under which nothing can be attached to another loop; and on PostgreSQL, where
a connection costs 2-5 ms and cannot change loops, it saves a connect a test. It takes two keys, and the second came
with pytest-asyncio 0.26: with the first alone, fixtures and tests would be in different loops. Where a suite names loop
scopes itself, the keys would move some of it and not the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.editing import Setting
from hermetic.cli.init.replaced import outside_tests
from hermetic.cli.init.sources import Module
from hermetic.cli.init.symbols import Symbols
from hermetic.cli.init.versions import Bound

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
    for module in tests:
        for node in outside_tests(module.tree):
            called = symbols.resolve(module.path, node.func) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and called is not None and called.name in COUNTS:
                yield Remark(text, module.path, node.lineno)
