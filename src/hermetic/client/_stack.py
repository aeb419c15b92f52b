"""Where a waiting task waits.

``Task.get_stack`` gives only the outermost coroutine's frame, which is ours. The rest hangs on ``cr_await``, and behind
``async for`` and ``__await__`` on objects that say nothing of themselves: only the garbage collector sees through them.
"""

from __future__ import annotations

import asyncio
import gc
import traceback
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

_AWAITED = ("cr_await", "gi_yieldfrom", "ag_await")
_FRAMES = ("cr_frame", "gi_frame", "ag_frame")


def of_task(task: asyncio.Task[Any]) -> str:
    """Return the stack of a suspended task, as a traceback shows it: outermost first."""
    lines: list[str] = []
    waiting: Any = task.get_coro()
    while waiting is not None:
        for frame in (getattr(waiting, name, None) for name in _FRAMES):
            if frame is not None and "__tracebackhide__" not in frame.f_locals:
                lines += traceback.format_list(traceback.StackSummary.extract([(frame, frame.f_lineno)]))
        waiting = _awaited_by(waiting)
    return "".join(lines)


def _awaited_by(waiting: Any) -> Any:
    for name in _AWAITED:
        if hasattr(waiting, name):
            return getattr(waiting, name)
    behind = (AsyncGeneratorType, CoroutineType, GeneratorType)
    return next((found for found in gc.get_referents(waiting) if isinstance(found, behind)), None)
