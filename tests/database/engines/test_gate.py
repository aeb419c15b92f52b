"""The gate at every checkout."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from hermetic.code import Location
from hermetic.database.engines import Closing, Gate, Installation
from hermetic.owners import Owner, owned_by

POLLER = Owner("a poller", "lifespan", "session")
TEST = Owner("test", "test", "function")


def closing(seconds: float, passed: list[Owner]) -> Closing:
    """Hold all who outlive a test."""
    return Closing(lambda owner: not owner.is_test_level, seconds, passed.append)


def test_a_poller_is_held_and_a_test_is_not(installation: Installation) -> None:
    """In a loop, until the gate is opened; the loop goes on meanwhile."""
    engine = create_async_engine("sqlite+aiosqlite:///held.db")
    passed: list[Owner] = []

    async def use() -> None:
        async with engine.connect():
            pass

    async def main() -> None:
        with installation.gate.closed(closing(60, passed)):
            with owned_by(POLLER):
                poller = asyncio.create_task(use())
            with owned_by(TEST):
                await use()
            assert not poller.done()
        await poller
        await engine.dispose()

    asyncio.run(main())
    assert not passed


def test_who_is_held_for_too_long_passes(installation: Installation) -> None:
    """And opens the gate for all others whom it held: whoever closed it may be waiting for them."""
    engine = create_async_engine("sqlite+aiosqlite:///held.db")
    passed: list[Owner] = []

    async def main() -> None:
        with installation.gate.closed(closing(0.001, passed)), owned_by(POLLER):
            for _ in range(2):
                async with engine.connect():
                    pass
        await engine.dispose()

    asyncio.run(main())
    assert passed == [POLLER]


def test_a_thread_is_held_too() -> None:
    """Until the gate is opened, or its time is over."""
    gate, passed, through = Gate(), list[Owner](), threading.Event()

    def wait() -> None:
        gate.wait(POLLER, in_greenlet=False)
        through.set()

    held = closing(60, passed)
    gate.close(held)
    thread = threading.Thread(target=wait)
    thread.start()
    assert not through.is_set()
    gate.open(held)
    thread.join(60)
    assert through.is_set() and not passed
    gate.close(closing(0.001, passed))
    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(60)
    assert passed == [POLLER]


def test_who_comes_while_it_is_closed_is_in_nobodys_way(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had passed, and was not yet among those that use something: it is held before anybody sees it there."""
    engine, held, used = create_engine("sqlite:///held.db"), closing(60, []), threading.Event()

    def close_meanwhile() -> Location:
        installation.gate.close(held)
        installation.gate._thread = None  # another thread than this one, as it is in a run
        return Location("poller.py", 1, "poll")

    def use() -> None:
        with owned_by(POLLER), engine.connect():
            used.set()

    with engine.connect():
        pass  # there is a connection, and the thread has nothing else to do
    monkeypatch.setattr("hermetic.database.engines.checkouts.user_location", close_meanwhile)
    thread = threading.Thread(target=use)
    thread.start()
    while not installation.gate.is_closed:
        pass
    assert not used.wait(0.05)
    assert installation.checked_out() == []
    installation.gate.open(held)
    thread.join(60)
    assert used.is_set()
    engine.dispose()


def test_whoever_closed_it_never_waits_for_himself(installation: Installation) -> None:
    """A synchronous engine in the thread that closed the gate, or in a loop: nobody could open it."""
    engine = create_engine("sqlite:///held.db")

    async def main() -> None:
        with engine.connect():
            pass

    with installation.gate.closed(closing(60, [])), owned_by(POLLER):
        with engine.connect():
            pass
        asyncio.run(main())
    engine.dispose()


def test_it_opens_after_a_loop_that_was_closed() -> None:
    """Who waited there is gone."""
    gate = Gate()
    held = closing(60, [])
    gate.close(held)
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(gate._wait_in_loop(held))
    loop.run_until_complete(asyncio.sleep(0))
    waiting.cancel()
    loop.run_until_complete(asyncio.wait([waiting]))
    loop.close()
    gate.open(held)
    assert not gate.is_closed
    assert asyncio.run(gate._wait_in_loop(held))
