"""Decide in which event loop a suite's tests and fixtures are to run, and what speaks against that.

What a project already says about modes and loop scopes is its own business and is never changed; what is broken by it
is told, by doctor's rules.

One loop for the session is the setting under which nothing can be attached to another loop; and on PostgreSQL, where
a connection costs 2-5 ms and cannot change loops, it saves a connect a test. It takes two keys, and the second came
with pytest-asyncio 0.26: with the first alone, fixtures and tests would be in different loops. Where a suite names loop
scopes itself, the keys would move some of it and not the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hermetic.causes import event_loops
from hermetic.cli.databases import DATABASES
from hermetic.cli.init.editing import Setting
from hermetic.doctor.examination import Finding, examined_by
from hermetic.doctor.subject import Subject
from hermetic.doctor.versions import find_versions
from hermetic.source.configuration import Configuration
from hermetic.source.requirements import Bound
from hermetic.source.runner import FIXTURES, TESTS, LoopScope, Runner
from hermetic.source.symbols import Symbols

SCOPES = (FIXTURES, TESTS)
BOTH_SINCE = (0, 26)
WHY_SESSION = "One event loop for all tests: connections of a pool cannot leave theirs."
UNMARKED = "No async test has a mark: in strict mode, the default, nobody runs them."
COUNTED = (
    "threads are counted: the session's loop keeps those of its executor (asyncio_0, asyncio_1) once a test has"
    " used it; let them not count, or leave both loop scopes out"
)

RULES = frozenset(
    cause.code
    for cause in (
        event_loops.FIXTURE_OUTLIVES_LOOP,
        event_loops.CONFIGURATION_NOT_READ,
        event_loops.TWO_PLUGINS,
    )
)
"""Those about keys that are never changed here."""


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


def find_loops(runner: Runner, configuration: Configuration) -> Loops:
    """Propose one loop for all where nothing speaks against it, and auto mode where no async test has a mark.

    Args:
        runner: Who runs async tests.
        configuration: pytest's settings.
    """
    if not runner.asyncio:
        return Loops()
    scopes = _scopes(runner, configuration)
    return replace(scopes, settings=(*_mode(runner, configuration), *scopes.settings))


def find_faults(symbols: Symbols, configuration: Configuration) -> tuple[Finding, ...]:
    """Return what is broken by modes and loop scopes that the project sets.

    Args:
        symbols: The project's names.
        configuration: pytest's settings.
    """
    versions = find_versions(symbols.sources, configuration)
    subject = Subject(symbols, configuration, versions, DATABASES, is_on=False)
    return tuple(examined_by(subject, RULES))


def _mode(runner: Runner, configuration: Configuration) -> tuple[Setting, ...]:
    """Propose a mode where no test has a mark; else one would run tests that were skipped, or another plugin's."""
    if "asyncio_mode" in configuration.values or runner.anyio:
        return ()
    if not runner.async_tests:
        return (Setting("asyncio_mode", "auto"),)
    return (Setting("asyncio_mode", "auto", UNMARKED),) if runner.is_unclaimed else ()


def _scopes(runner: Runner, configuration: Configuration) -> Loops:
    own = runner.loop_scopes
    old = next((bound for bound in runner.bounds if not bound.allows(BOTH_SINCE)), None)
    if any(key in configuration.values for key in SCOPES):
        return Loops(remarks=() if own or old else tuple(_disagreement(configuration)))
    if old is not None:
        return Loops(remarks=(_too_old(old),))
    other = next((scope for scope in own if scope.scope != "session"), None)
    if other is not None:
        return Loops(remarks=(_own(other),))
    settings = (Setting(FIXTURES, "session", WHY_SESSION), Setting(TESTS, "session"))
    return Loops(
        settings, tuple(Remark(COUNTED, place.file, place.line) for place in runner.thread_counts[:1])
    )


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


def _own(scope: LoopScope) -> Remark:
    text = f"loop scopes are left out: the suite names its own, {scope.text}"
    return Remark(text, scope.place.file, scope.place.line)
