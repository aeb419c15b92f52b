"""What a suspended task waits for, and where.

``Task.get_stack`` gives only the outermost coroutine's frame, which is ours. The rest hangs on ``cr_await``, and behind
``async for`` and ``__await__`` on objects that say nothing of themselves: only the garbage collector sees through them.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import traceback
from collections.abc import Iterator
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

_AWAITED = ("cr_await", "gi_yieldfrom", "ag_await")
_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
_LOOPS = ("asyncio", "anyio")
_LIBRARIES = ("site-packages", "dist-packages")


def of_task(task: asyncio.Task[Any]) -> str:
    """Return the stack of a suspended task, as a traceback shows it: outermost first."""
    lines: list[str] = []
    for _, frame in _awaiting(task):
        if "__tracebackhide__" not in frame.f_locals:
            lines += traceback.format_list(traceback.StackSummary.extract([(frame, frame.f_lineno)]))
    return "".join(lines)


def is_idle(task: asyncio.Task[Any]) -> bool:
    """Whether a task only lets time pass: its own code sleeps, or waits for a queue, and no error is on its way.

    A library that sleeps, or waits for a queue, is at work: it tries again, or has no connection left.
    """
    chain = list(_awaiting(task))
    if any(frame.f_code.co_name == "__aexit__" for _, frame in chain) or error_on_its_way(task) is not None:
        return False
    waits = False
    for _, frame in reversed(chain):
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _LOOPS:
            return waits and not any(f"/{folder}/" in frame.f_code.co_filename for folder in _LIBRARIES)
        if frame.f_code.co_name == "__sleep0":
            return False
        waits = waits or frame.f_code in _idle_waits()
    return False


def error_on_its_way(task: asyncio.Task[Any]) -> BaseException | None:
    """Return the exception that a suspended task is about to raise on: it stands in a ``finally`` or leaves a ``with``.

    The frame keeps such an exception on its stack, besides the one that counts as handled; an ``except`` does not.
    """
    for waiting, frame in _awaiting(task):
        held = [found for found in gc.get_referents(waiting) if isinstance(found, Exception)]
        named = list(frame.f_locals.values())
        for error in held:
            if sum(each is error for each in held) - sum(each is error for each in named) > 1:
                return error
    return None


def is_shielded(task: asyncio.Task[Any]) -> bool:
    """Whether a task is inside a cancel scope of anyio that shields it; a native ``cancel()`` would not ask."""
    states = getattr(sys.modules.get("anyio._backends._asyncio"), "_task_states", None)
    scope = getattr(states.get(task) if states is not None else None, "cancel_scope", None)
    while scope is not None and not scope.shield:
        scope = getattr(scope, "_parent_scope", None)
    return scope is not None


def awaited_task(task: asyncio.Task[Any]) -> asyncio.Task[Any] | None:
    """Return the task that a suspended task awaits; None when it awaits something else."""
    waiter = getattr(task, "_fut_waiter", None)
    return waiter if isinstance(waiter, asyncio.Task) else None


def _idle_waits() -> set[CodeType]:
    memory = sys.modules.get("anyio.streams.memory")
    receive = getattr(getattr(memory, "MemoryObjectReceiveStream", None), "receive", asyncio.sleep)
    return {asyncio.sleep.__code__, asyncio.Queue.get.__code__, receive.__code__}


def _awaiting(task: asyncio.Task[Any]) -> Iterator[tuple[Any, FrameType]]:
    """Give what awaits in a task, outermost first, with its frame; then the same of a task that it awaits."""
    waiting: Any = task.get_coro()
    while waiting is not None:
        for frame in (getattr(waiting, name, None) for name in _FRAMES):
            if frame is not None:
                yield waiting, frame
        waiting = _awaited_by(waiting)
    if (inner := awaited_task(task)) is not None:
        yield from _awaiting(inner)


def _awaited_by(waiting: Any) -> Any:
    for name in _AWAITED:
        if hasattr(waiting, name):
            return getattr(waiting, name)
    behind = (AsyncGeneratorType, CoroutineType, GeneratorType)
    return next((found for found in gc.get_referents(waiting) if isinstance(found, behind)), None)
