"""What a suspended application does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hermetic.client._stack import error_on_its_way, is_idle
from tests.waiting import asked_of, sleeps


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
