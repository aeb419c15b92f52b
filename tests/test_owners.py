"""Owners: who made a thing, across tasks and threads."""

from __future__ import annotations

import asyncio
import threading

from hermetic.owners import PROCESS, Owner, current, owned_by


def test_nobody_is_the_process() -> None:
    """Outside of everything the process owns what is made."""
    assert current() is PROCESS
    assert not PROCESS.is_test_level


def test_a_task_keeps_the_owner_that_started_it() -> None:
    """A poller started by a lifespan stays the lifespan's while a test runs."""
    lifespan, test = Owner("lifespan", "lifespan", "session"), Owner("test", "test", "function")

    async def main() -> Owner:
        go = asyncio.Event()

        async def poll() -> Owner:
            await go.wait()
            return current()

        with owned_by(lifespan):
            task = asyncio.create_task(poll())
        with owned_by(test):
            go.set()
            return await task

    assert asyncio.run(main()) is lifespan


def test_a_bare_thread_sees_the_owner_that_holds_everywhere() -> None:
    """A thread has no context of its own; the one that the hooks set last counts there."""
    test, seen = Owner("test", "test", "function"), []
    with owned_by(test, everywhere=True), owned_by(Owner("inner", "request", "function")):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen == [test]
    assert current() is PROCESS
