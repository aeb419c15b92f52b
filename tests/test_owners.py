"""Owners: who made a thing, across tasks and threads."""

from __future__ import annotations

import asyncio
import threading

from hermetic.owners import PROCESS, Owner, current, note_thread, owned_by, sender


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


def test_a_bare_thread_of_somebody_who_outlives_a_test_is_theirs() -> None:
    """As long as they live; whoever sends it requests is told as before."""
    lifespan, test = Owner("lifespan", "lifespan", "session"), Owner("test", "test", "function")
    seen: list[Owner] = []

    def look() -> None:
        seen.extend([current(), sender()])

    for starter in (lifespan, test):
        with owned_by(starter):
            thread = threading.Thread(target=look)
            note_thread(thread)
        with owned_by(test, everywhere=True):
            thread.start()
            thread.join()
    lifespan.alive = False
    with owned_by(lifespan):
        note_thread(thread := threading.Thread(target=look))
    thread.start()
    thread.join()
    assert seen == [lifespan, test, test, test, PROCESS, PROCESS]


def test_what_belongs_to_a_call() -> None:
    """The test and the requests that it sends; not its fixtures, nor a lifespan, nor their requests."""
    test = Owner("test", "test", "function")
    fixture = Owner("fixture", "fixture", "function", test)
    lifespan = Owner("lifespan", "lifespan", "function", test)
    assert test.is_of_a_call and Owner("r", "request", "function", test).is_of_a_call
    for other in (
        fixture,
        lifespan,
        Owner("r", "request", "function", fixture),
        Owner("r", "request", "function"),
    ):
        assert not other.is_of_a_call


def test_what_somebody_started_ends_with_them() -> None:
    """A request of a wide fixture that has ended has ended too, and is within it."""
    fixture = Owner("fixture", "fixture", "module", Owner("test", "test", "function", alive=False))
    request = Owner("r", "request", "module", fixture)
    assert not request.has_ended
    fixture.alive = False
    assert request.has_ended
    assert request.is_within(fixture) and not fixture.is_within(request)


def test_the_test_that_something_ends_with() -> None:
    """A request's is that of the fixture that sent it; a wider fixture ends with none, whichever test set it up."""
    test = Owner("test", "test", "function")
    fixture = Owner("fixture", "fixture", "function", test)
    wide = Owner("wide", "fixture", "session", test)
    assert Owner("request", "request", "function", fixture).test is test
    assert test.test is test
    assert wide.test is None
    of_wide = Owner("request", "request", "session", wide)
    assert of_wide.test is None
