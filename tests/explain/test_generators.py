"""A generator in place of what it yields is named, with who has called its function and what gives what it yields."""

from __future__ import annotations

import asyncio
import inspect
import linecache
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from hermetic.code import Location
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from tests.explain.failing import TEST

FILE = "tests/test_of_lines.py"


async def get_session() -> AsyncIterator[str]:
    """A dependency."""
    yield "a session"


def get_sync_session() -> Iterator[str]:
    """A synchronous one."""
    yield "a session"


def error_of(*lines: str, **names: Any) -> BaseException:
    """Run the lines of a test, in a file that linecache knows; return its error."""
    code = "\n".join(["async def test_it():", *(f"    {line}" for line in lines), ""])
    linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
    namespace = {**globals(), **names}
    exec(compile(code, FILE, "exec"), namespace)
    with pytest.raises(Exception) as raised:
        asyncio.run(namespace["test_it"]())
    return raised.value


def told_of(error: BaseException, *fixtures: UsedFixture) -> list[str]:
    """Return all that is said of an error: with another explanation beside it, two would contradict one another."""
    return explanations(Failure(TEST, "call", error, fixtures=fixtures), History())


@pytest.mark.parametrize(
    ("lines", "what", "change"),
    [
        (
            ("session = await get_session()",),
            f"{FILE}:2 awaits the async_generator that get_session() makes",
            f"{FILE}:2: async with asynccontextmanager(get_session)() as ...",
        ),
        (
            ("session = await get_sync_session()",),
            "awaits the generator that get_sync_session() makes",
            "with contextmanager(get_sync_session)() as ...",
        ),
        (
            ("await [get_session][0]()",),
            "awaits the async_generator that a dependency() makes",
            "asynccontextmanager(...)() as ...",
        ),
        (
            ("session = get_session()", "session.scalar(1)"),
            f"{FILE}:3 has the async_generator that get_session() makes",
            f"{FILE}:2: async with asynccontextmanager(get_session)() as ...",
        ),
    ],
)
def test_a_line_that_calls_a_dependency(lines: tuple[str, ...], what: str, change: str) -> None:
    """The line that has called it, and how it is entered."""
    [told] = told_of(error_of(*lines))
    assert what in told
    assert f"change: {change}" in told or change in told.partition("change: ")[2]
    assert "[HM727]" in told


def session() -> object:
    """A fixture that returns what it should enter."""
    return get_session()


def test_a_fixture_that_hands_a_generator_out() -> None:
    """The fixture is what has to change."""
    code = session.__code__
    where = Location(code.co_filename, code.co_firstlineno, "session")
    found = session()
    fixtures = [
        UsedFixture("other", "function", where, is_async=False, value=1),
        UsedFixture("session", "function", where, is_async=False, value=found),
    ]
    [told] = told_of(error_of("session.scalar(1)", session=found), *fixtures)
    assert "the fixture 'session' (function scope, " in told
    assert (
        "async def session, with `async with asynccontextmanager(get_session)() as value: yield value`"
        in told
    )


@pytest.mark.parametrize(
    "line", ["session.scalar(1)", "inspect.no_such", "raise TypeError('other')", "await 7"]
)
def test_of_others_nothing_is_said(line: str) -> None:
    """A generator that somebody handed over, and other errors."""
    assert told_of(error_of(line, session=get_session(), inspect=inspect)) == []


def test_an_error_without_a_line_of_the_project() -> None:
    """Nothing is known of it."""
    assert told_of(TypeError("object async_generator can't be used in 'await' expression")) == []
