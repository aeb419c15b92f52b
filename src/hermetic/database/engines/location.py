"""Where in the user's code a connection is used: what SQLAlchemy, greenlet and the drivers add to a walk.

A connection is checked out a dozen frames deep in SQLAlchemy, in a greenlet whose stack ends at the greenlet's own
first frame. The caller's frames are in the parent greenlet's ``gr_frame``, so the walk goes on there.
"""

from __future__ import annotations

import asyncio
from types import FrameType

from greenlet import getcurrent  # type: ignore[import-untyped]

from hermetic.code import Walk, folders_of, is_library
from hermetic.database.backend import every_backend

_DRIVERS = (
    "sqlalchemy",
    *(library for backend in every_backend() for library in backend.libraries),
    *("aiomysql", "asyncmy"),
)


def _parents() -> list[FrameType | None]:
    """Return where the greenlets stand that wait for the present one; as a generator it would cost twice as much."""
    frames: list[FrameType | None] = []
    greenlet = getcurrent().parent
    while greenlet is not None:
        frames.append(greenlet.gr_frame)
        greenlet = greenlet.parent
    return frames


_LIBRARIES = (*_DRIVERS, "sqlmodel", "greenlet", "pymysql", "uvloop")
_RUNNERS = ("asyncio.base_events", "_pytest.runner")
"""Behind these stands whoever runs the loop, or the tests."""

_walk = Walk(_LIBRARIES, _parents)
_project_walk = Walk(_LIBRARIES, _parents, is_library, ends=_RUNNERS)

user_location = _walk.here
"""Return the innermost line of code that is neither SQLAlchemy's, a driver's, asyncio's nor hermetic's."""


project_location = _project_walk.here
"""Return the innermost line of the project's own code; where a task has none, that of the library which asked.

Behind a task stands whoever runs the loop, or the tests, who has nothing to do with it: what only SQLAlchemy has on its
stack, as the task by which an AsyncSession is closed, is at an unknown place.
"""


def is_end_of_block() -> bool:
    """Whether the end of an ``async with`` closes a session: that has a task of its own, with no line in it."""
    loop = asyncio._get_running_loop()
    task = None if loop is None else asyncio.current_task(loop)
    return task is not None and getattr(task.get_coro(), "__qualname__", "") == "AsyncSession.close"


thread_location = _walk.of_thread
"""Return where another thread stands, in the same sense."""


def is_in_a_driver(filename: str) -> bool:
    """Whether a frame's file is SQLAlchemy's or an async driver's: whoever waits there waits for a database."""
    return filename.startswith(tuple(folders_of(_DRIVERS)))
