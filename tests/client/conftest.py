"""What the client's tests share: each loop that the client must work in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine in a fresh loop of each kind, and fail if it left a task behind."""
    runner: Callable[..., None] = asyncio.run if request.param == "asyncio" else uvloop.run

    async def watched(main: Coroutine[Any, Any, None]) -> None:
        await main
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"left running: {left}"

    return lambda main: runner(watched(main))
