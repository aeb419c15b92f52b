"""Closing what fixtures handed out, in the loop where it started."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hermetic.guards.loop_resources import LoopResources


class Thing:
    """Starts where it is used, and counts how often it was closed there."""

    def __init__(self, error: Exception | None = None) -> None:
        self.started_loop: asyncio.AbstractEventLoop | None = None
        self.closed_in: list[asyncio.AbstractEventLoop] = []
        self._error = error

    async def use(self) -> None:
        """Start, as a first request does."""
        self.started_loop = asyncio.get_running_loop()

    async def aclose(self) -> None:
        """Close, and tell where."""
        self.closed_in.append(asyncio.get_running_loop())
        self.started_loop = None
        if self._error:
            raise self._error


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that stands still."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_it_is_closed_on_its_idle_loop(loop: asyncio.AbstractEventLoop) -> None:
    """An object is closed in the loop where it was used."""
    resources, thing = LoopResources(), Thing()
    resources.add(thing)
    loop.run_until_complete(thing.use())
    resources.close_idle()
    assert thing.closed_in == [loop]


def test_it_is_closed_again_after_it_was_used_again(loop: asyncio.AbstractEventLoop) -> None:
    """A fixture's teardown may use the object once more."""
    resources, thing = LoopResources(), Thing()
    resources.add(thing)
    for _ in range(2):
        loop.run_until_complete(thing.use())
        resources.close_idle()
    assert thing.closed_in == [loop, loop]


def test_inside_a_loop_only_what_started_there_is_closed(loop: asyncio.AbstractEventLoop) -> None:
    """The end of a test's coroutine closes what is of its loop and leaves the rest for later."""
    resources, here, elsewhere = LoopResources(), Thing(), Thing()
    resources.add(here)
    resources.add(elsewhere)
    loop.run_until_complete(elsewhere.use())

    async def main() -> None:
        await here.use()
        await resources.close_here()
        resources.close_idle()

    asyncio.run(main())
    assert len(here.closed_in) == 1
    assert elsewhere.closed_in == []
    resources.discard(elsewhere)
    assert elsewhere.closed_in == [loop]


def test_a_loop_that_is_gone_is_left_alone(loop: asyncio.AbstractEventLoop) -> None:
    """Nothing can be closed in a closed loop; forgetting it is no error."""
    resources, thing = LoopResources(), Thing()
    resources.add(thing)
    asyncio.run(thing.use())
    resources.discard(thing)
    resources.close_idle()
    assert thing.closed_in == []


def test_one_error_arrives_as_it_is(loop: asyncio.AbstractEventLoop) -> None:
    """An error of one object is raised as it was, after all have been closed."""
    resources, bad, good = LoopResources(), Thing(ValueError("shutdown failed")), Thing()
    resources.add(good)
    resources.add(bad)
    loop.run_until_complete(bad.use())
    loop.run_until_complete(good.use())
    with pytest.raises(ValueError, match="shutdown failed"):
        resources.close_idle()
    assert good.closed_in == [loop]


def test_several_errors_arrive_together(loop: asyncio.AbstractEventLoop) -> None:
    """No error hides another."""
    resources = LoopResources()

    async def main() -> None:
        for number in range(2):
            thing = Thing(ValueError(number))
            resources.add(thing)
            await thing.use()
        await resources.close_here()

    with pytest.raises(ExceptionGroup) as caught:
        loop.run_until_complete(main())
    assert len(caught.value.exceptions) == 2


def test_without_an_event_loop_nothing_is_closed() -> None:
    """A test that trio runs ends like any other: what is closed, or was open elsewhere, is passed by."""
    resources, thing = LoopResources(), Thing()
    resources.add(thing)
    with pytest.raises(StopIteration):
        resources.close_here().send(None)
    assert thing.closed_in == []
