"""Rules about event loops: who runs a test, and in which loop its fixtures are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hermetic.doctor.subject import Spot, Subject, spot
from hermetic.source.bindings import own_nodes, parameters
from hermetic.source.fixtures import ASYNCIO, SCOPES, Fixture, Function, Test
from hermetic.source.requirements import read_requirements
from hermetic.source.syntax import last_name, literal

OTHERS = re.compile(r"alt[-_]pytest[-_]asyncio|pytest[-_]asyncio[-_]cooperative")
"""Plugins with a fixture ``event_loop`` of their own."""


def event_loop(subject: Subject) -> Iterator[Spot]:
    """An ``event_loop`` fixture: since pytest-asyncio 1.0 nobody asks for one, and none is there to be asked for."""
    suite = subject.suite
    defined = suite.by_name.get("event_loop", [])
    asking = [each for each in suite.users if "event_loop" in each.requests]
    if not (defined or asking) or subject.settings.is_barred:
        return
    bound = subject.versions.since("pytest-asyncio", (1, 0))
    if bound is None:
        return
    for each in defined:
        users = [user for user in asking if suite.find("event_loop", user.file, user.owner) is each]
        is_missed = any(
            _is_wider(each.scope, _loop_of(test, subject)) for test in suite.tests if test.is_async
        )
        if is_missed or any(user.is_async for user in users):
            text = f"pytest-asyncio {bound.shown} runs nothing in this loop: it has not used event_loop since 1.0"
            yield spot(each.file, each.function, text)
    if OTHERS.search(read_requirements(subject.places)):
        return
    for user in asking:
        is_missing = suite.find("event_loop", user.file, user.owner) is None
        if is_missing and not _is_parametrized(user, "event_loop"):
            text = f"there is no fixture event_loop: pytest-asyncio {bound.shown} has had none since 1.0"
            yield spot(user.file, _argument(user, "event_loop"), text)


def _loop_of(test: Test, subject: Subject) -> str | None:
    """Return the scope of the loop in which pytest-asyncio runs a test; None where that is computed."""
    mark = test.marks.get("asyncio")
    named = (
        [word.value for word in mark.keywords if "scope" in (word.arg or "")]
        if isinstance(mark, ast.Call)
        else []
    )
    return literal(named[0]) if named else subject.settings.test_scope


def _is_parametrized(user: Test | Fixture, name: str) -> bool:
    calls = [each for each in user.function.decorator_list if isinstance(each, ast.Call)]
    return any(last_name(each.func) == "parametrize" and name in ast.unparse(each) for each in calls)


def _argument(user: Test | Fixture, name: str) -> ast.AST:
    argument, _ = parameters(user.function).get(name, (user.function, None))
    return argument


def wider_than_its_loop(subject: Subject) -> Iterator[Spot]:
    """An async fixture whose scope is wider than that of the loop in which pytest-asyncio runs it."""
    for fixture in _taken_by_asyncio(subject):
        loop = fixture.loop_scope or subject.settings.fixture_scope
        if fixture.argument("loop_scope") is not None and fixture.loop_scope is None:
            continue
        if loop in SCOPES and _is_wider(fixture.scope, loop) and subject.suite.is_used(fixture):
            if subject.versions.since("pytest-asyncio", (0, 24)) is None:
                return
            where = "its own" if fixture.loop_scope else "asyncio_default_fixture_loop_scope is"
            text = f"{fixture.name} lives for the {fixture.scope}, its loop for the {loop} ({where} {loop!r})"
            yield spot(fixture.file, fixture.function, f"{text}: ScopeMismatch")


def _taken_by_asyncio(subject: Subject) -> Iterator[Fixture]:
    if not subject.settings.is_barred:
        for fixture in subject.suite.fixtures:
            if fixture.maker == ASYNCIO or (fixture.is_async and subject.settings.is_auto):
                yield fixture


def _is_wider(scope: str | None, other: str | None) -> bool:
    return scope in SCOPES and other in SCOPES and SCOPES.index(scope) > SCOPES.index(other)


def wider_than_anyio_backend(subject: Subject) -> Iterator[Spot]:
    """An async fixture that anyio's plugin runs, and whose scope is wider than that of ``anyio_backend``."""
    if subject.settings.is_auto and not subject.settings.is_barred:
        return
    told: set[ast.AST] = set()
    for test in _anyio_tests(subject):
        backend = subject.suite.find("anyio_backend", test.file, test.owner)
        scope = backend.scope if backend is not None else "module"
        for fixture in subject.suite.closure(test).values():
            is_anyios = fixture.is_async and fixture.maker != ASYNCIO
            if is_anyios and fixture.function not in told and _is_wider(fixture.scope, scope):
                told.add(fixture.function)
                text = f"{fixture.name} lives for the {fixture.scope}, anyio_backend for the {scope}: ScopeMismatch"
                yield spot(fixture.file, fixture.function, text)


def _anyio_tests(subject: Subject) -> Iterator[Test]:
    if not subject.settings.is_anyio_barred:
        for test in subject.suite.tests:
            if test.is_async and ("anyio" in test.marks or subject.settings.is_anyio_auto):
                yield test


def both_plugins(subject: Subject) -> Iterator[Spot]:
    """A test that anyio's plugin and pytest-asyncio both take: its async fixtures run in another loop than it."""
    settings = subject.settings
    found: dict[object, list[tuple[Test, Fixture]]] = {}
    for test in () if settings.is_barred else _anyio_tests(subject):
        if settings.is_auto or "asyncio" in test.marks:
            fixture = next((each for each in subject.suite.closure(test).values() if each.is_async), None)
            if fixture is not None:
                found.setdefault(test.file, []).append((test, fixture))
    if not found or subject.versions.since("pytest-asyncio", (1, 1)) is None:
        return
    for (test, fixture), *others in found.values():
        how = "asyncio_mode = auto" if settings.is_auto else "its mark asyncio"
        also = f"; so are {len(others)} more tests of this file" if len(others) > 1 else ""
        also = "; so is one more test of this file" if len(others) == 1 else also
        text = (
            f"{test.function.name} is run by pytest-asyncio ({how}), and its fixture {fixture.name} by anyio's plugin,"
            f" in another loop{also}"
        )
        yield spot(test.file, test.function, text)


def getfixturevalue(subject: Subject) -> Iterator[Spot]:
    """An async fixture that an async test asks for while its loop runs."""
    taken = {fixture.function for fixture in _taken_by_asyncio(subject)}
    for user in subject.suite.users:
        module = subject.sources.modules[user.file]
        if user.is_async and module.mentions("getfixturevalue"):
            for node in own_nodes(user.function):
                if isinstance(node, ast.Call) and last_name(node.func) == "getfixturevalue" and node.args:
                    name = literal(node.args[0])
                    fixture = _set_up_by(subject, user, name, taken) if name else None
                    if fixture is not None:
                        what = "it is" if fixture.name == name else f"{fixture.name}, which it needs, is"
                        text = f"getfixturevalue({name!r}) in a running loop: {what} async, and cannot be set up there"
                        yield spot(user.file, node, text)


def _set_up_by(subject: Subject, user: Test | Fixture, name: str, taken: set[Function]) -> Fixture | None:
    """Return an async fixture that asking for a name would set up: one that is not there already."""
    suite = subject.suite
    there = suite.closure(user) if isinstance(user, Test) else suite.needed_by(user.requests, user.file)
    is_anyios = isinstance(user, Test) and "anyio" in user.marks
    for fixture in suite.needed_by([name], user.file, user.owner).values():
        is_new = fixture.name not in there and not fixture.is_autouse
        is_first = fixture.scope == "function" or not suite.is_requested(fixture.name)
        if is_new and is_first and fixture.is_async and (is_anyios or fixture.function in taken):
            return fixture
    return None
