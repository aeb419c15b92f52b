"""What a suspended application does: whether it only lets time pass, is about to raise, or must not be cancelled."""

from __future__ import annotations

import asyncio
import gc
import sys
from types import CodeType
from typing import Any

from hermetic.code import is_library
from hermetic.tasks import awaiting

_LOOPS = ("asyncio", "anyio")


def is_idle(task: asyncio.Task[Any]) -> bool:
    """Whether a task only lets time pass: its own code sleeps, or waits for a queue, and no error is on its way.

    A library that sleeps, or waits for a queue, is at work: it tries again, or has no connection left.
    """
    chain = list(awaiting(task))
    if any(frame.f_code.co_name == "__aexit__" for _, frame in chain) or error_on_its_way(task) is not None:
        return False
    waits = False
    for _, frame in reversed(chain):
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _LOOPS:
            return waits and not is_library(frame.f_code.co_filename)
        if frame.f_code.co_name == "__sleep0":
            return False
        waits = waits or frame.f_code in _idle_waits()
    return False


def error_on_its_way(task: asyncio.Task[Any]) -> BaseException | None:
    """Return the exception that a suspended task is about to raise on: it stands in a ``finally`` or leaves a ``with``.

    The frame keeps such an exception on its stack, besides the one that counts as handled; an ``except`` does not.
    """
    for waiting, frame in awaiting(task):
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


def _idle_waits() -> set[CodeType]:
    memory = sys.modules.get("anyio.streams.memory")
    receive = getattr(getattr(memory, "MemoryObjectReceiveStream", None), "receive", asyncio.sleep)
    return {asyncio.sleep.__code__, asyncio.Queue.get.__code__, receive.__code__}
