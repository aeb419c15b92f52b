"""Where a waiting task waits.

``Task.get_stack`` gives only the outermost coroutine's frame, which is ours. The rest hangs on ``cr_await``.
"""

from __future__ import annotations

import asyncio
import traceback
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
        waiting = next((getattr(waiting, name) for name in _AWAITED if hasattr(waiting, name)), None)
    return "".join(lines)
