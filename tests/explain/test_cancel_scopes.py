"""A fixture that leaves a cancel scope in another task is named, with the line that opens it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from hermetic.code import Location
from hermetic.explain import cancel_scopes
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.explain.runner import LoopScope
from tests.explain.failing import TEST, said


async def opened() -> AsyncIterator[None]:
    """A fixture that holds a task group open."""
    async with anyio.create_task_group():
        yield


async def in_two_tasks() -> None:
    """Run it as pytest-asyncio does."""
    generator: Any = opened()
    await asyncio.create_task(generator.__anext__())
    await asyncio.create_task(generator.__anext__())


def test_a_fixture_in_two_tasks() -> None:
    """The fixture and its line; of one that pytest-asyncio does not run nothing is said, nor of another one."""
    with pytest.raises(RuntimeError, match="different task") as raised:
        asyncio.run(in_two_tasks())
    code = opened.__code__
    where = Location(code.co_filename, code.co_firstlineno, "opened")
    fixture = UsedFixture(
        "opened", "function", where, is_async=True, loop=LoopScope("function", "loop_scope", None)
    )
    others = (fixture._replace(loop=None), fixture._replace(location=where._replace(function="another")))
    failure = Failure(TEST, "teardown", raised.value, fixtures=(*others, fixture))
    told = [str(each) for each in cancel_scopes.explain(failure, History())]
    assert len(told) == 1
    assert f"{fixture} enters, at {__file__}:{code.co_firstlineno + 2}, what has a task group" in told[0]
    assert "[HM706]" in told[0]
    assert said(raised.value, History()) == ""
