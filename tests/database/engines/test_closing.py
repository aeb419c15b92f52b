"""Every connection is closed, in its own loop where that is possible."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import SAWarning
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from hermetic.database.engines import Installation, connections
from hermetic.database.engines.connections import LoopCloser, run_in_loop
from tests.database.engines.opened import file_in, file_through

MEMORY = "sqlite+aiosqlite:///:memory:"
DRIVERS_THREAD = "_connection_worker_thread"


def closings(engine: AsyncEngine) -> list[asyncio.AbstractEventLoop | None]:
    """Note the loop in which each connection of the engine is closed."""
    loops: list[asyncio.AbstractEventLoop | None] = []
    event.listen(
        engine.sync_engine, "close", lambda connection, record: loops.append(asyncio._get_running_loop())
    )
    return loops


def open_connections(installation: Installation) -> int:
    """Count what the installation knows to be open."""
    return len(list(installation._index))


def run_without_shutdown(main: Callable[[], Awaitable[object]]) -> None:
    """Run as old code does: close the loop without shutting its generators down."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


def test_pooled_connections_are_closed_in_their_loop(installation: Installation) -> None:
    """What waits in the pool is closed by the loop's own end."""
    engine = create_async_engine(MEMORY)
    loops = closings(engine)

    async def main() -> asyncio.AbstractEventLoop:
        await file_in(engine)
        return asyncio.get_running_loop()

    assert [asyncio.run(main())] == loops
    assert open_connections(installation) == 0


def test_a_leaked_connection_is_closed_in_its_loop(installation: Installation) -> None:
    """A connection that nobody gave back is closed too, and its holder can still be closed afterwards."""
    engine = create_async_engine(MEMORY)
    loops = closings(engine)
    leaked: list[AsyncConnection] = []

    async def main() -> asyncio.AbstractEventLoop:
        leaked.append(await engine.connect())
        await leaked[0].execute(text("SELECT 1"))
        return asyncio.get_running_loop()

    assert [asyncio.run(main())] == loops
    assert [checkout.location.function for checkout in installation.take_abandoned()] == ["main"]
    assert installation.take_abandoned() == []
    asyncio.run(leaked[0].close())
    assert installation.checked_out() == []


def test_a_session_that_is_closed_after_its_loop_was_not_abandoned(installation: Installation) -> None:
    """A fixture in a wider loop closes its session, used in the test's loop, when that loop has ended."""
    session = AsyncSession(create_async_engine(MEMORY))

    async def use() -> None:
        await session.execute(text("SELECT 1"))

    asyncio.run(use())
    asyncio.run(session.close())
    assert installation.take_abandoned() == []


def test_a_leaked_session_is_closed_in_its_loop(installation: Installation) -> None:
    """A session left in a transaction does not keep its connection open."""
    engine = create_async_engine(MEMORY)
    leaked: list[AsyncSession] = []

    async def main() -> None:
        leaked.append(AsyncSession(engine))
        await leaked[0].execute(text("CREATE TABLE t (id INTEGER)"))

    asyncio.run(main())
    assert open_connections(installation) == 0
    asyncio.run(leaked[0].close())


def test_a_detached_connection_is_closed(installation: Installation) -> None:
    """A connection taken out of its pool is closed with the loop."""
    engine = create_async_engine(MEMORY)
    kept: list[AsyncConnection] = []

    async def main() -> None:
        connection = await engine.connect()
        await connection.run_sync(lambda sync: sync.detach())
        kept.append(connection)

    asyncio.run(main())
    assert open_connections(installation) == 0


def test_generators_that_end_with_the_loop_come_first(installation: Installation) -> None:
    """A dependency cut short by the loop's end still gives its connection back itself."""
    engine = create_async_engine(MEMORY)
    answers: list[object] = []
    cut_short: list[AsyncIterator[AsyncConnection]] = []

    async def get_db() -> AsyncIterator[AsyncConnection]:
        connection = await engine.connect()
        try:
            yield connection
        finally:
            answers.append(await connection.scalar(text("SELECT 1")))
            await connection.close()

    async def main() -> None:
        cut_short.append(get_db())
        await anext(cut_short[0])

    asyncio.run(main())
    assert answers == [1]


def test_a_loop_closed_without_shutdown(installation: Installation) -> None:
    """What a loop left open is closed when a connection is next opened in another."""
    engine = create_async_engine(MEMORY)
    leaked: list[AsyncConnection] = []

    async def leak() -> None:
        await file_in(engine)
        leaked.append(await engine.connect())

    run_without_shutdown(leak)
    assert open_connections(installation) == 1
    asyncio.run(file_in(engine))
    assert open_connections(installation) == 0


def test_uninstalling_closes_what_a_dead_loop_left(installation: Installation) -> None:
    """The last chance is the uninstallation."""
    engine = create_async_engine(MEMORY)
    run_without_shutdown(lambda: file_in(engine))
    installation.closers.sweep()
    run_without_shutdown(lambda: file_in(engine))
    assert open_connections(installation) == 1


def test_uninstalling_closes_what_an_idle_loop_holds(installation: Installation) -> None:
    """A loop that stands still, as a runner's between tests, runs the closing itself."""
    engine = create_async_engine(MEMORY)
    loops = closings(engine)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(file_in(engine))
    for closer in installation.closers._closers.values():
        closer.close_now()
    assert loops == [loop]
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_a_loop_whose_generators_were_shut_down_already(installation: Installation) -> None:
    """A connection opened after ``shutdown_asyncgens`` warns of nothing, and is closed as the last resort."""
    engine = create_async_engine(MEMORY)

    async def late() -> None:
        await asyncio.get_running_loop().shutdown_asyncgens()
        await file_in(engine)

    run_without_shutdown(late)
    assert open_connections(installation) == 1
    installation.closers.sweep()
    assert open_connections(installation) == 0


def test_use_after_the_loop_shut_its_generators_down(installation: Installation) -> None:
    """The pool goes on working after its connections were closed with the loop's generators."""
    engine = create_async_engine(MEMORY)

    async def main() -> None:
        await file_in(engine)
        await asyncio.get_running_loop().shutdown_asyncgens()
        await file_in(engine)

    run_without_shutdown(main)
    installation.closers.sweep()
    assert open_connections(installation) == 0


def test_an_engine_that_is_forgotten(installation: Installation) -> None:
    """An engine a test, never disposed of, does not pile up connections in a loop that lives on."""

    async def recipe() -> None:
        engine = create_async_engine(MEMORY)
        await file_in(engine)

    async def main() -> None:
        others = set(threading.enumerate())
        for _ in range(3):
            await recipe()
        gc.collect()
        while open_connections(installation):
            await asyncio.sleep(0.001)
        # The driver's threads, whatever a version calls them, answer to this loop before they end.
        while set(threading.enumerate()) - others:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_an_engine_that_is_forgotten_just_before_the_loop_ends(installation: Installation) -> None:
    """A closing that is under way when the loop ends is waited for."""

    async def main() -> None:
        await file_in(create_async_engine(MEMORY))
        gc.collect()

    asyncio.run(main())
    assert open_connections(installation) == 0


def test_an_engine_that_is_forgotten_while_its_loop_stands_still(installation: Installation) -> None:
    """The closing begins when the loop runs again, be it for the last time, and is waited for."""
    loop = asyncio.new_event_loop()
    engine = create_async_engine(MEMORY)
    loop.run_until_complete(file_in(engine))
    del engine
    gc.collect()
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert open_connections(installation) == 0
    loop.close()


def test_an_engine_that_is_forgotten_after_its_loop(installation: Installation) -> None:
    """Nothing is left to do when the loop ended first."""
    engine = create_async_engine(MEMORY)
    asyncio.run(file_in(engine))
    del engine
    gc.collect()
    assert open_connections(installation) == 0


def test_a_connection_that_is_forgotten(installation: Installation) -> None:
    """A connection that is dropped without being closed warns as SQLAlchemy does, and is closed."""
    engine = create_async_engine(MEMORY)

    async def main() -> None:
        connection = await engine.connect()
        await file_through(connection)
        threads = set(threading.enumerate())
        with pytest.warns(SAWarning, match="non-checked-in connection"):
            del connection
            gc.collect()
        # The driver's thread answers to this loop before it ends: a loop that is closed too soon makes it fail. That of
        # an old aiosqlite, which has another name, goes on: SQLAlchemy can only drop its connection.
        async with asyncio.timeout(60):
            while any(each.is_alive() for each in threads if DRIVERS_THREAD in each.name):
                await asyncio.sleep(0)

    asyncio.run(main())
    assert installation.checked_out() == []
    assert open_connections(installation) == 0


class TestRunInLoop:
    """Synchronous code closes something in a loop."""

    def run(self, loop: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop | None:
        """Return the loop in which the function ran."""
        ran: list[asyncio.AbstractEventLoop | None] = []
        dialect = create_async_engine(MEMORY).dialect
        run_in_loop(loop, lambda: ran.append(asyncio._get_running_loop()), dialect, [])
        return ran[0]

    def test_that_stands_still(self) -> None:
        """An idle loop runs it."""
        loop = asyncio.new_event_loop()
        assert self.run(loop) is loop
        loop.close()

    def test_that_is_closed(self) -> None:
        """A private loop stands in for a closed one."""
        loop = asyncio.new_event_loop()
        loop.close()
        assert self.run(loop) not in (None, loop)

    def test_that_never_was(self) -> None:
        """A private loop stands in where there was none."""
        assert self.run(None) is not None

    def test_that_runs_in_another_thread(self) -> None:
        """A loop that runs elsewhere is asked to do it."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        assert self.run(loop) is loop
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def test_that_waits_for_us(self) -> None:
        """A private loop stands in for the one that waits for this very call, and for an idle one meanwhile."""
        idle = asyncio.new_event_loop()

        async def main() -> None:
            assert self.run(asyncio.get_running_loop()) not in (None, asyncio.get_running_loop())
            assert self.run(idle) not in (None, idle, asyncio.get_running_loop())

        asyncio.run(main())
        idle.close()

    def test_that_fails(self) -> None:
        """What fails in a private loop is not the caller's business: it is the last of all resorts."""
        dialect: Any = create_async_engine(MEMORY).dialect
        run_in_loop(None, lambda: 1 // 0, dialect, [])  # type: ignore[arg-type]


def test_a_loop_without_generator_hooks() -> None:
    """A loop that does not hook asynchronous generators is left to the last resort."""
    loop = asyncio.new_event_loop()
    assert LoopCloser(loop)._generator is None
    loop.close()


def test_a_loop_that_something_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and not for ever; a private loop closes then."""
    monkeypatch.setattr(connections, "LAST_RESORT_SECONDS", 0.05)
    loop, blocked, go_on = asyncio.new_event_loop(), threading.Event(), threading.Event()
    loop.call_soon(blocked.set)
    loop.call_soon(go_on.wait)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    blocked.wait()
    closed_by: list[str] = []
    engine = create_async_engine(MEMORY)
    connections.run_in_loop(
        loop, lambda: closed_by.append(threading.current_thread().name), engine.dialect, []
    )
    go_on.set()
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert closed_by[0] == "hermetic-closes"
