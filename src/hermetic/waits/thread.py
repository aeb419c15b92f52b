"""How a thread waits: for good, until some time has gone by, or not at all.

Read from its innermost frame. What waits in Python (``Event.wait``, ``Queue.get``, ``Thread.join``) has a frame in the
standard library, with its time limit among the locals. What waits in C (``time.sleep``, ``SimpleQueue.get``) has none:
there the call is read from the line's source, at the place that the frame's instruction names, and its function looked
up in the frame's names. Nothing of the project's is run for that.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.locks
import asyncio.queues
import asyncio.runners
import builtins
import concurrent.futures
import inspect
import linecache
import os
import queue
import re
import selectors
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import FrameType, ModuleType
from typing import Any, Literal

from hermetic import collector
from hermetic.code import is_library, names_of

WaitKind = Literal["for good", "for a time"]

_SLEEP = time.sleep  # a test may replace it
_UNTIMED = (
    vars(queue.SimpleQueue)["get"],
    vars(type(threading.Lock()))["acquire"],
    vars(type(threading.RLock()))["acquire"],
)
_NO_LIMIT = ("", "True", "block=True", "blocking=True")
_CALL = re.compile(r"(?P<name>[^\W\d][\w.]*)\((?P<arguments>.*)", re.DOTALL)
FILES = (threading.__file__, queue.__file__)
"""Where what waits in Python has its frame."""


_FOLDER = os.path.dirname(os.path.dirname(__file__))
_PRIMITIVES = (
    *(asyncio.locks.__file__, asyncio.queues.__file__),
    *(os.path.join("anyio", "streams", ""), os.path.join("anyio", "_core", "_synchronization")),
    os.path.join(_FOLDER, "client", ""),
)
"""Where frames are whose ``self`` is what is waited for."""

_FUTURES = concurrent.futures._base.__file__
_GIVES_UP_ITS_NAME = ("_call_in_runner_task",)
"""anyio's runner of tests waits there for a future that the task which runs them has at hand."""


def frames_of(thread: int) -> list[FrameType]:
    """Return the frames of a thread, the innermost first; none of one that has ended.

    Whoever reads their names, and not only where they are, pauses the collector for that, too.
    """
    found: list[FrameType] = []
    with collector.paused():
        frame = sys._current_frames().get(thread)
        while frame is not None:
            found.append(frame)
            frame = frame.f_back
    return found


def wait_of(frame: FrameType) -> WaitKind | None:
    """Return how whoever stands in an innermost frame waits; None where it is at work, for all that can be seen."""
    if frame.f_code.co_filename == selectors.__file__:
        return "for a time"
    if frame.f_code.co_filename in FILES:
        limit = names_of(frame).get("timeout")
        return "for good" if limit is None or limit == -1 else "for a time"
    call = _call_of(frame)
    if call is None:
        return None
    called = _resolved(call["name"], frame)
    if called is _SLEEP:
        return "for a time"
    if any(called is each for each in _UNTIMED):
        return "for good" if call["arguments"].strip(" )\n") in _NO_LIMIT else "for a time"
    return None


def joined_by(frames: list[FrameType]) -> threading.Thread | None:
    """Return the thread whose end a thread waits for, without a limit.

    Args:
        frames: Those of the thread that waits, the innermost first.
    """
    for frame in islice(frames, 2):
        if frame.f_code.co_filename == threading.__file__ and frame.f_code.co_name in _JOINS:
            names = names_of(frame)
            if names.get("timeout", -1) in (None, -1) and isinstance(names.get("self"), threading.Thread):
                joined: threading.Thread = names["self"]
                return joined
    return None


_JOINS = ("join", "_wait_for_tstate_lock")

_LOOPS = {
    (asyncio.base_events.__file__, "run_until_complete"): "future",
    (asyncio.base_events.__file__, "run_forever"): "",
    (asyncio.runners.__file__, "run"): "task",
}
"""The functions that turn a loop, each with its name for what it turns the loop for. uvloop's own have no frames."""


def loops_of(frames: list[FrameType]) -> Iterator[tuple[asyncio.AbstractEventLoop, Any]]:
    """Give the loops that a thread turns, the innermost first, each with the future for which it does, if any."""
    for frame in frames:
        wanted = _LOOPS.get((frame.f_code.co_filename, frame.f_code.co_name))
        if wanted is None:
            continue
        names = names_of(frame)
        here = names.get("self")
        loop = getattr(here, "_loop", here)
        if isinstance(loop, asyncio.AbstractEventLoop):
            yield loop, names.get(wanted)


def is_turning(frames: list[FrameType]) -> bool:
    """Whether a thread turns a loop now, and is not inside of something that the loop runs."""
    for frame in frames:
        name = (frame.f_code.co_filename, frame.f_code.co_name)
        if name in _LOOPS:
            return True
        if name[0] != selectors.__file__ and name != (asyncio.base_events.__file__, "_run_once"):
            return False
    return False


def is_of_the_project(frames: list[FrameType]) -> bool:
    """Whether a line of the project's, and not only libraries', is on a stack."""
    return any(not is_library(frame.f_code.co_filename) for frame in frames)


def is_of_a_library(frame: FrameType) -> bool:
    """Whether a frame is a library's."""
    return is_library(frame.f_code.co_filename)


def leading(frames: Iterable[FrameType], files: Sequence[str]) -> Iterator[FrameType]:
    """Give the innermost frames as long as they are of some files."""
    for frame in frames:
        if not any(part in frame.f_code.co_filename for part in files):
            return
        yield frame


def primitives(frames: Sequence[FrameType]) -> list[Any]:
    """Return what a task waits for, by its innermost frames; nothing where that is not known."""
    if frames and frames[0].f_code.co_name in _GIVES_UP_ITS_NAME:
        return [names_of(frames[0]).get("future")]
    named = [names_of(frame) for frame in leading(frames, _PRIMITIVES)]
    return [names["self"] for names in named if "self" in names]


def result_of(frames: Sequence[FrameType]) -> Any | None:
    """Return the future of ``concurrent.futures`` whose result a thread waits for."""
    for frame in frames[:4]:
        if frame.f_code.co_filename == _FUTURES and frame.f_code.co_name in ("result", "exception"):
            return names_of(frame).get("self")
    return None


def computed_in(frames: Iterable[FrameType]) -> Iterator[Any]:
    """Give the futures that are done when what runs in some frames is: those of whoever asked a library for it."""
    for frame in filter(is_of_a_library, frames):
        names = names_of(frame)
        item = names.get("self") if frame.f_code.co_name == "run" else None
        for future in (names.get("future"), getattr(item, "future", None)):
            if isinstance(future, asyncio.Future | concurrent.futures.Future) and not future.done():
                yield future


def _call_of(frame: FrameType) -> re.Match[str] | None:
    """Return the call in which a frame stands, as its line says.

    ``ast`` is for one thread at a time: on Python 3.11 it fails in that which parses something else meanwhile.
    """
    code = frame.f_code
    place = next(islice(code.co_positions(), frame.f_lasti // 2, None), None)
    if place is None or None in place:
        return None
    line, last, begin, end = place
    lines = [each.encode() for each in linecache.getlines(code.co_filename)[line - 1 : last]]  # type: ignore[operator]
    if not lines:
        return None
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    return _CALL.match(b"".join(lines).decode(errors="replace"))


def _resolved(name: str, frame: FrameType) -> Any:
    """Return what a dotted name stands for in a frame, without running anything; None where that cannot be told."""
    first, *others = name.split(".")
    spaces = (names_of(frame), frame.f_globals, vars(builtins))
    found = next((space[first] for space in spaces if first in space), None)
    for other in others:
        is_module = isinstance(found, ModuleType)
        found = vars(found).get(other) if is_module else inspect.getattr_static(found, other, None)
    return found
