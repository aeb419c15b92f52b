"""The stack of a task that waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hermetic.client._stack import error_on_its_way, is_idle, of_task


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
        lines = of_task(task)
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
    assert "in sleeps" in asyncio.run(asked_of(awaits_a_task, of_task))


async def sleeps() -> None:
    """Let time pass."""
    await asyncio.sleep(3600)


async def gives_way() -> None:
    """Go on with the next turn of the loop."""
    await asyncio.sleep(0)


async def works() -> None:
    """Wait for what may come from anywhere."""
    await asyncio.Event().wait()


@asynccontextmanager
async def closing() -> AsyncIterator[None]:
    """Take a while to close."""
    yield
    await sleeps()


async def leaves() -> None:
    """Leave a block that takes a while to close."""
    async with closing():
        pass


async def raises() -> None:
    """Sleep with an error on its way."""
    try:
        raise ValueError
    finally:
        await asyncio.sleep(3600)


async def tries_again() -> None:
    """Sleep with an error that it has caught."""
    try:
        raise ValueError
    except ValueError as error:
        assert not error.args
        await asyncio.sleep(3600)


LIBRARY = """
import asyncio

async def retries():
    await asyncio.sleep(3600)
"""


def retries() -> Coroutine[Any, Any, None]:
    """Sleep in a library."""
    names: dict[str, Any] = {"__name__": "library"}
    exec(compile(LIBRARY, "/env/lib/site-packages/library.py", "exec"), names)
    found: Coroutine[Any, Any, None] = names["retries"]()
    return found


async def asked_of(
    function: Callable[[], Coroutine[Any, Any, None]], question: Callable[[asyncio.Task[None]], Any]
) -> Any:
    """Return what a question about a task that runs a function gives."""
    task = asyncio.create_task(function())
    await asyncio.sleep(0)
    try:
        return question(task)
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize(
    ("function", "idle"),
    [
        (sleeps, True),
        (tries_again, True),
        (gives_way, False),
        (works, False),
        (leaves, False),
        (raises, False),
        (retries, False),
        (lambda: asyncio.sleep(3600), False),
    ],
)
def test_a_task_is_idle_where_its_own_code_lets_time_pass(
    function: Callable[[], Coroutine[Any, Any, None]], idle: bool
) -> None:
    """Not where a library does, nor where something is being closed, or raised."""
    assert asyncio.run(asked_of(function, is_idle)) is idle


def test_an_error_is_on_its_way_until_it_is_caught() -> None:
    """A ``finally`` raises it again when it is done."""
    assert isinstance(asyncio.run(asked_of(raises, error_on_its_way)), ValueError)
    assert asyncio.run(asked_of(tries_again, error_on_its_way)) is None
