"""What a build reads: the files that it opens, the folders that it lists, and the processes that it starts.

Python tells of each by an audit event, whoever causes it: a migration, a library on its behalf, a thread of theirs.
What a process reads is not seen, so that it is noted by name.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from hermetic import audit
from hermetic.code import is_library

SKIPPED = frozenset({"__pycache__", "node_modules", "venv"})
"""Folders whose files nobody writes; those whose names begin with a dot are such, too."""

ELSEWHERE = ("/dev/", "/etc/", "/proc/", "/sys/", "/usr/share/")
PROCESSES = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system")
MACHINERY = ("linecache.py", "tokenize.py")
"""Modules that read a source to show it, as in a traceback or a warning."""


class Reading:
    """What was read while it was noted.

    Attributes:
        processes: The programs that were started, each with the line of the project's that did.
    """

    def __init__(self) -> None:
        self.processes: set[tuple[str, str]] = set()
        self._read: dict[str, int | None] = {}
        self._written: set[str] = set()

    def note_open(self, path: Any, mode: object, flags: int) -> None:
        """Note that a file is opened."""
        if not isinstance(path, str | bytes | os.PathLike):
            return  # the number of a file that is open
        name = os.path.abspath(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._written.add(name)
        elif not _caller().f_code.co_filename.endswith(MACHINERY):
            self._note(_source(name))

    def note_listing(self, path: Any = None) -> None:
        """Note that a folder is listed, other than to find modules or packages."""
        if not isinstance(path, int) and "importlib" not in _caller().f_code.co_filename:
            self._note(os.path.abspath(os.fsdecode(path or ".")))

    def note_process(self, program: Any, *_: object) -> None:
        """Note that a process is started."""
        caller: FrameType | None = _caller()
        while caller is not None and is_library(caller.f_code.co_filename):
            if caller.f_code.co_filename.startswith((_HERMETIC, "<frozen importlib")):
                return  # a server of ours; a library that looks around as it is imported
            caller = caller.f_back
        name = os.path.basename(os.fsdecode(program).split(" ")[0])
        self.processes.add((name, f"{caller.f_code.co_filename}:{caller.f_lineno}" if caller else ""))

    def _note(self, name: str) -> None:
        self._read.setdefault(name, written(Path(name)))

    def written(self) -> set[Path]:
        """Return the files that were opened to be written."""
        return set(map(Path, self._written))

    def of_the_project(self, root: Path) -> dict[Path, int | None]:
        """Return the files and folders that are nobody's but the project's, and when each had been written."""
        read = {Path(name): at for name, at in self._read.items() if name not in self._written}
        return {path: at for path, at in read.items() if is_the_projects(path, root)}


def is_the_projects(path: Path, root: Path) -> bool:
    """Whether a file or a folder may be one that people edit: no library's, nothing temporary, in no cache."""
    inside = path.is_relative_to(root)
    folders = (path.relative_to(root) if inside else path).parts[:-1]
    if is_library(f"{path}{os.sep}") or any(each.startswith(".") or each in SKIPPED for each in folders):
        return False
    return path.name not in SKIPPED and (inside or not str(path).startswith((*ELSEWHERE, _temporary())))


def written(path: Path) -> int | None:
    """Return when a file or a folder was written last, in nanoseconds; None where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


@contextmanager
def noted() -> Iterator[Reading]:
    """Note what is read in the block."""
    reading = Reading()
    events: dict[str, audit.Listener] = {
        "open": reading.note_open,
        **dict.fromkeys(("os.listdir", "os.scandir"), reading.note_listing),
        **dict.fromkeys(PROCESSES, reading.note_process),
    }
    for event, note in events.items():
        audit.listen(event, note)
    try:
        yield reading
    finally:
        for event, note in events.items():
            audit.ignore(event, note)


_HERMETIC = str(Path(__file__).parents[2]) + os.sep
_OWN = (__file__, audit.__file__)


def _caller() -> FrameType:
    """Return the frame that caused the event."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename in _OWN:
        frame = frame.f_back
    return frame or sys._getframe()


def _source(name: str) -> str:
    """Return the source of a compiled module, where there is one."""
    if not name.endswith(".pyc"):
        return name
    try:
        source = importlib.util.source_from_cache(name)
    except (ValueError, NotImplementedError):
        return name
    return source if os.path.exists(source) else name


@cache
def _temporary() -> str:
    return tempfile.gettempdir() + os.sep
