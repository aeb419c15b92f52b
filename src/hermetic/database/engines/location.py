"""Where in the user's code something happened: found in microseconds, on every checkout.

A connection is checked out a dozen frames deep in SQLAlchemy, in a greenlet whose stack ends at the greenlet's own
first frame. The caller's frames are in the parent greenlet's ``gr_frame``, so the walk goes on there. Whether a file is
a library's is decided once a file and kept; a walk then costs a dictionary look-up a frame. Nothing reads source
lines: that is for whoever prints a location, not for whoever records it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from types import FrameType

from greenlet import getcurrent  # type: ignore[import-untyped]

from hermetic.database.protocols import Location

UNKNOWN = Location("<unknown>", 0, "?")

_DRIVERS = ("sqlalchemy", "aiosqlite", "asyncpg", "psycopg", "aiomysql", "asyncmy")
_LIBRARIES = (*_DRIVERS, "sqlmodel", "greenlet", "asyncio", "hermetic", "psycopg_pool", "pymysql", "uvloop")
_skipped: dict[str, bool] = {"<string>": True, contextlib.__file__: True}


def user_location() -> Location:
    """Return the innermost line of code that is neither SQLAlchemy's, a driver's, asyncio's nor hermetic's.

    Returns:
        The place, or ``UNKNOWN`` where the whole stack belongs to libraries.
    """
    frame: FrameType | None = sys._getframe()
    greenlet = getcurrent()
    while True:
        while frame is not None:
            code = frame.f_code
            if not _is_skipped(code.co_filename):
                return Location(code.co_filename, frame.f_lineno, code.co_name)
            frame = frame.f_back
        if greenlet.parent is None:
            return UNKNOWN
        greenlet = greenlet.parent
        frame = greenlet.gr_frame


def thread_location(thread: int) -> Location:
    """Return where another thread stands, in the same sense.

    Args:
        thread: Its identifier.
    """
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if not _is_skipped(frame.f_code.co_filename):
            return Location(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return UNKNOWN


def _is_skipped(filename: str) -> bool:
    skipped = _skipped.get(filename)
    if skipped is None:
        prefixes = ("<frozen ", "<sqlalchemy ", *_folders(_LIBRARIES))
        skipped = _skipped[filename] = filename.startswith(prefixes)
    return skipped


def is_in_a_driver(filename: str) -> bool:
    """Whether a frame's file is SQLAlchemy's or an async driver's: whoever waits there waits for a database."""
    return filename.startswith(tuple(_folders(_DRIVERS)))


def _folders(libraries: Iterable[str]) -> list[str]:
    """The folders of the libraries imported by now; a frame's file always belongs to an imported module."""
    files = [getattr(sys.modules.get(name), "__file__", None) for name in libraries]
    return [os.path.dirname(file) + os.sep for file in files if file]
