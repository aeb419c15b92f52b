"""A request that waits for a lock: of its own test, which would be for ever, or of somebody who lets go of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest
from freezegun import freeze_time
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from hermetic.database import lock_waits
from hermetic.database.backends.postgresql.restore import lock_monitor
from hermetic.errors import ConfigurationError, UncommittedWrites
from hermetic.events.database import LockWaited
from hermetic.owners import Owner, owned_by
from tests.database.backends.postgresql.restore import application as application_module
from tests.database.backends.postgresql.restore.application import Application, Held
from tests.database.backends.postgresql.restore.opened import Opened
from tests.hearing import Heard, hearing

APPLICATION = application_module.__file__
TEST = Owner("test_it", "test", "function")
REQUEST = Owner("request POST /users", "request", "function", TEST)


@pytest.fixture
def application(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An application on the database, which is looked at more often than it would be."""
    monkeypatch.setattr(lock_waits, "PAUSE", 0.01)
    monkeypatch.setattr(lock_waits, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(lock_waits, "PATIENCE", 0.03)
    made = Application("psycopg")
    yield made
    made.close()


@pytest.fixture
def told() -> Iterator[Heard]:
    """The waits that are told of."""
    with hearing(LockWaited) as heard:
        yield heard


def request(application: Application, statement: str) -> None:
    """Run a statement as a request of the test does."""
    with owned_by(REQUEST):
        application.run(statement)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    turn = threading.Event()
    while not condition():
        turn.wait(0.001)


def test_a_lock_of_somebody_else(application: Application, opened: Opened, told: Heard) -> None:
    """The request waits for as long as it takes."""
    stranger = psycopg.connect(opened.database.url.render_as_string(hide_password=False))
    stranger.execute("LOCK TABLE doubles")
    watch = opened.database.lock_monitor
    with owned_by(TEST):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(request, application, "DELETE FROM doubles")
        eventually(lambda: waiting.done() or bool(watch._waits))
        threading.Event().wait(0.1)
        assert not waiting.done()
        stranger.close()
        waiting.result()
    held.end()
    assert told == []
    assert application.run("SELECT count(*) FROM doubles") == 0


def test_a_lock_of_its_own_test(application: Application, opened: Opened, told: Heard) -> None:
    """The request fails and names the test's line, however often nothing was to be watched in between."""
    for _ in range(2):
        in_vain(application)
    assert [(wait.owner, wait.holder) for wait in told.of(LockWaited)] == [(REQUEST, TEST)] * 2
    assert {wait.held_at.file for wait in told.of(LockWaited)} == {APPLICATION}
    assert all("request POST /users waited" in wait.message for wait in told.of(LockWaited))


def in_vain(application: Application) -> None:
    """Have a request wait for its test, and fail."""
    with owned_by(TEST):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    with pytest.raises(UncommittedWrites, match="your test holds uncommitted writes"):
        request(application, "UPDATE users SET name = 'y' WHERE id = 1")
    held.end()


def watchers() -> list[threading.Thread]:
    """Return the threads that watch."""
    return [thread for thread in threading.enumerate() if thread.name == "hermetic-locks"]


def test_no_thread_is_left(application: Application) -> None:
    """It ends with the request; a suite that counts threads around its tests finds none of ours."""
    with owned_by(TEST):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    with owned_by(REQUEST):
        requests = application.hold("SELECT 1")
    assert len(watchers()) == 1
    requests.end()
    assert watchers() == []
    request(application, "SELECT 1")
    assert watchers() == []
    held.end()


def test_it_ends_where_nobody_gives_a_connection_back(application: Application, opened: Opened) -> None:
    """One that was closed on the way is no longer in use."""
    with owned_by(TEST):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    with owned_by(REQUEST):
        requests = application.hold("SELECT 1")
    for session in opened.database.sessions.all():
        session.checkout = None
    eventually(lambda: not watchers())
    requests.end()
    held.end()


def test_a_server_that_does_not_answer(
    application: Application, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check-in waits for the thread for a while, and the next request has one of its own."""
    monkeypatch.setattr(lock_monitor, "END_PATIENCE", 0.01)
    host = opened.database._host
    real, asked, may_answer = host.activity, threading.Event(), threading.Event()

    def slow(database: str) -> Any:
        if not asked.is_set():
            asked.set()
            may_answer.wait()
        return real(database)

    monkeypatch.setattr(host, "activity", slow)
    with owned_by(TEST):
        held = application.hold("SELECT 1")
    with owned_by(REQUEST):
        first = application.hold("SELECT 1")
        asked.wait()
        first.end()
        second = application.hold("SELECT 1")
    assert len(watchers()) == 2
    may_answer.set()
    eventually(lambda: len(watchers()) == 1)
    second.end()
    eventually(lambda: not watchers())
    held.end()


@pytest.mark.parametrize("clock", ["runs", "stands still"])
def test_in_a_loop(opened: Opened, monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    """A request that is over soon has no thread; one that lasts has; so has one under a clock that was stopped."""
    monkeypatch.setattr(lock_waits, "PAUSE", 0.01)
    monkeypatch.setattr(lock_waits, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(lock_waits, "PATIENCE", 0.03)
    engine = create_async_engine("postgresql+asyncpg://somebody@elsewhere.example/production")

    async def use() -> None:
        async with engine.connect() as held:
            with owned_by(TEST):
                await held.execute(text("UPDATE users SET name = 'x' WHERE id = 1"))
            for _ in range(2):
                with owned_by(REQUEST):
                    async with engine.connect():
                        assert len(watchers()) == (clock == "stands still")
                assert watchers() == []
            with owned_by(REQUEST), pytest.raises(UncommittedWrites):
                async with engine.connect() as requests:
                    await requests.execute(text("UPDATE users SET name = 'y' WHERE id = 1"))
            assert watchers() == []

    async def main() -> None:
        with owned_by(TEST):
            await use()
        while asyncio.get_running_loop() in opened.database.lock_monitor._timed:
            await asyncio.sleep(0)
        await engine.dispose()

    with freeze_time("2001-01-01", real_asyncio=True) if clock == "stands still" else nullcontext():
        asyncio.run(main())


def test_a_driver_that_wakes_itself(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg looks ten times a second whether its answer is there, by a timer: the wait is for ever all the same."""
    for name, seconds in (("PAUSE", 0.01), ("FIRST_LOOK", 0.01), ("PATIENCE", 0.03)):
        monkeypatch.setattr(lock_waits, name, seconds)
    engine = create_async_engine("postgresql+psycopg://somebody@elsewhere.example/production")

    async def main() -> None:
        with owned_by(TEST):
            held = await engine.connect()
            await held.execute(text("UPDATE users SET name = 'x' WHERE id = 1"))
        with owned_by(REQUEST), pytest.raises(UncommittedWrites):
            async with engine.connect() as requests:
                await requests.execute(text("SET lock_timeout = '20s'"))
                await requests.execute(text("UPDATE users SET name = 'y' WHERE id = 1"))
        await held.close()
        await engine.dispose()

    asyncio.run(main())


def test_requests_that_are_over_before_the_first_look(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop has one timer, however many there are, and nothing is started when it comes too late."""
    monkeypatch.setattr(lock_waits, "PAUSE", 600)
    engine = create_async_engine("postgresql+asyncpg://somebody@elsewhere.example/production")
    watch = opened.database.lock_monitor

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with owned_by(TEST):
            held = await engine.connect()
        with owned_by(REQUEST):
            first, second = await engine.connect(), await engine.connect()
            assert loop in watch._timed
            await first.close()
            await second.close()
        watch._begin_late(loop)
        assert loop not in watch._timed
        assert watchers() == []
        await held.close()
        await engine.dispose()

    asyncio.run(main())


@pytest.mark.parametrize("fails", ["activity", "cancel"])
def test_a_look_that_fails(
    application: Application, opened: Opened, monkeypatch: pytest.MonkeyPatch, told: Heard, fails: str
) -> None:
    """A test ended our session, or the server went away for a moment: the next look is as good as ever."""
    host = opened.database._host
    real, failures = getattr(host, fails), [psycopg.OperationalError("gone"), ConfigurationError("gone")]

    def flaky(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    monkeypatch.setattr(host, fails, flaky)
    in_vain(application)
    assert failures == []
    assert len(told) == 1


def test_one_that_gets_its_lock_in_the_last_moment(
    application: Application, opened: Opened, monkeypatch: pytest.MonkeyPatch, told: Heard
) -> None:
    """It is not cancelled, and nobody is told that it was."""
    with owned_by(TEST):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    host = opened.database._host
    real, asked = host.cancel, threading.Event()
    said: list[bool] = []

    def late(pid: int) -> bool:
        asked.set()
        eventually(waiting.done)
        said.append(real(pid))
        return said[-1]

    monkeypatch.setattr(host, "cancel", late)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(request, application, "UPDATE users SET name = 'y' WHERE id = 1")
        asked.wait()
        held.end()
    assert waiting.result() is None
    eventually(lambda: not watchers())
    assert said == [False]
    assert told == []


def test_another_error_of_the_same_session(application: Application, opened: Opened) -> None:
    """What is noted of a statement is forgotten when it ends, however it ends."""
    watch, error = opened.database.lock_monitor, UncommittedWrites("stale")

    def note(held: Held) -> None:
        watch._cancelled[held.run("SELECT pg_backend_pid()")] = error

    held = application.hold("SELECT 1")
    note(held)
    with pytest.raises(ProgrammingError, match="no_such_table"):
        held.run("SELECT * FROM no_such_table")
    held.end("rollback")
    note(held)
    held.run("SELECT 1")
    assert watch._cancelled == {}
    note(held)
    held.end()
    assert watch._cancelled == {}
    held = application.hold("SELECT 1")
    note(held)
    held.end("invalidate")
    assert watch._cancelled == {}
    held.end()
