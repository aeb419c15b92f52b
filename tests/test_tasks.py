"""A task, seen from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any

from hermetic.tasks import stack_of
from tests.waiting import asked_of, sleeps


class Waiting:
    """An awaitable of plain Python, as libraries have them."""

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for ever."""
        yield from asyncio.Event().wait().__await__()


async def numbers() -> AsyncIterator[int]:
    """Never give a number."""
    await Waiting()
    yield 1


async def outer() -> None:
    """Wait in an async generator that waits in an awaitable."""
    async for _ in numbers():
        pass


async def ours() -> None:
    """Hide, as the client's own frames do."""
    __tracebackhide__ = True
    await outer()


def test_each_frame_that_waits_is_shown_outermost_first() -> None:
    """Through coroutines, async generators and awaitables; frames that hide are left out."""

    async def main() -> None:
        task = asyncio.create_task(ours())
        await asyncio.sleep(0)
        lines = stack_of(task)
        task.cancel()
        names = [line.rsplit(" ", 1)[1] for line in lines.splitlines() if line.startswith("  File")]
        assert names[0] == "outer"
        assert names[-2:] == ["__await__", "wait"]
        assert "ours" not in names

    asyncio.run(main())


async def awaits_a_task() -> None:
    """Wait for another task, which sleeps."""
    await asyncio.create_task(sleeps())


def test_the_stack_goes_on_in_a_task_that_is_awaited() -> None:
    """What the first waits for is where the second waits."""
    assert "in sleeps" in asyncio.run(asked_of(awaits_a_task, stack_of))
