"""Tasks that wait, and questions to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def sleeps() -> None:
    """Let time pass."""
    await asyncio.sleep(3600)


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
