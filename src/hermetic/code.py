"""Tell a project's code from that of libraries, its test code from its application code, and where in it somebody is.

A place is found in microseconds, on every checkout and every statement: whether a file is passed over is decided once a
file and kept; a walk then costs a dictionary look-up a frame. Nothing reads source lines: that is for whoever prints a
location, not for whoever records it.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePath
from types import FrameType, ModuleType
from typing import Any, Literal, NamedTuple, TypeAlias

from hermetic import collector


class Location(NamedTuple):
    """A place in somebody's code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @classmethod
    def of_frame(cls, frame: FrameType) -> Location:
        """Return where a frame stands."""
        code = frame.f_code
        return cls(code.co_filename, frame.f_lineno, code.co_name)


made = tuple.__new__
"""Makes a named tuple of all its values, where tests spend their time: what it has itself is a function in Python."""

OWN = os.path.dirname(__file__) + os.sep
"""Where hermetic's own files lie."""

UNKNOWN = Location("<unknown>", 0, "?")

_PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
"""Where packages lie, in this environment or in another one that is on the path."""

TEST_FOLDERS = frozenset({"tests", "test"})


def is_test_path(relative: PurePath) -> bool:
    """Whether a path, relative to the project, is a conftest, a test module, or lies in a tests folder."""
    is_named = (
        relative.name == "conftest.py" or relative.stem.startswith("test_") or relative.stem.endswith("_test")
    )
    return is_named or not TEST_FOLDERS.isdisjoint(relative.parts[:-1])


def is_test_code(file: Path, root: Path) -> bool:
    """Whether a file is a conftest, a test module, or lies in a tests folder below ``root``.

    Both paths must be absolute, with links resolved. The folders above ``root`` say nothing: a project may lie in
    somebody's ``/home/test``.
    """
    return is_test_path(file.relative_to(root) if file.is_relative_to(root) else Path(file.name))


@cache
def is_library(file: str) -> bool:
    """Whether the file of a frame is Python's own, of an installed package, or hermetic's: nobody's project.

    The name of a compiled Cython module's file is that of its source, wherever it was compiled.
    """
    if file.endswith(".pyx"):
        return True
    return file.startswith(("<", *_library_folders())) or any(folder in file for folder in _PACKAGES)


@cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return (*(folder + os.sep for folder in folders), OWN)


def place_in_the_project(frame: FrameType | None) -> Location | None:
    """Return the innermost line of the project's on a stack.

    Args:
        frame: The stack's innermost frame.
    """
    while frame is not None:
        if not is_library(frame.f_code.co_filename):
            return Location.of_frame(frame)
        frame = frame.f_back
    return None


def names_of(frame: FrameType) -> Mapping[str, Any]:
    """Return the names of a function, and what they stand for, where another thread may run it at this moment.

    Until Python 3.13 (PEP 667) a frame keeps the snapshot that it gives, and the next one lets go of what only that
    still held. Where a finalizer is run for that, the other thread goes on in the midst of the reading, and may leave
    the function: the process ends by a signal. So nothing stays in a snapshot that nobody else has.
    """
    names = frame.f_locals
    if (
        sys.version_info >= (3, 13) or not frame.f_code.co_flags & inspect.CO_OPTIMIZED
    ):  # a module's own names
        return names
    found = dict(names)
    if sys.getrefcount(names) <= _HELD_BY_A_FRAME:
        names.clear()
    return found


_HELD_BY_A_FRAME = 3
"""References to a snapshot that only its frame keeps: the frame's, that of whoever reads it, that of the count."""


def location_of(function: object) -> Location | None:
    """Return where a function is defined, for a decorated one its first decorator; None for what is none."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return None if code is None else Location(code.co_filename, code.co_firstlineno, code.co_name)


def project_modules() -> Iterator[ModuleType]:
    """Give the modules of the project that are imported by now, each of which has a file."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and not is_library(file):
            yield module


def is_importing(root: Path) -> bool:
    """Whether a module of the project's, and not of its tests, is being imported at this moment, by whomever."""
    return any(
        getattr(module.__spec__, "_initializing", False)
        and not is_test_code(Path(os.path.realpath(str(module.__file__))), root)
        for module in project_modules()
    )


Rank: TypeAlias = Literal["first", "second", "passed"]
"""Whether a file's lines are the user's, count where there are no such lines, or never do."""


class Walk:
    """Looks for the innermost line of the user's on a stack.

    Args:
        libraries: The packages that are passed over, beside hermetic, asyncio and code without a file.
        outer: Gives the innermost frame of each stack that the present one was started from, the nearest first.
        is_second: Whether a file of none of these counts only where there is no other.
        ends: The modules at whose frames it ends.
    """

    def __init__(
        self,
        libraries: Sequence[str] = (),
        outer: Callable[[], list[FrameType | None]] = list,
        is_second: Callable[[str], bool] = lambda file: False,
        ends: Collection[str] = (),
    ) -> None:
        self._libraries = (*libraries, "asyncio", "hermetic")
        self._outer = outer
        self._is_second = is_second
        self._ends = frozenset(ends)
        self._ranks: dict[str, Rank] = {"<string>": "passed", contextlib.__file__: "passed"}
        self._first: set[str] = set()
        self._passed: set[object] = set()
        self._second: set[object] = set()

    def here(self, above: int = 0) -> Location:
        """Return the innermost line of the user's; ``UNKNOWN`` where all that is on the stack is a library's.

        Args:
            above: How many frames are not looked at, from its own one on: they are known to be no user's.
        """
        return self._innermost(sys._getframe(above), self._outer)

    def of_thread(self, thread: int) -> Location:
        """Return where another thread stands, in the same sense.

        Args:
            thread: Its identifier.
        """
        with collector.paused():
            return self._innermost(sys._current_frames().get(thread), list)

    def _innermost(self, frame: FrameType | None, outer: Callable[[], list[FrameType | None]]) -> Location:
        """Return the first line that is passed over by neither its module nor its file.

        Modules go first: to ask a frame for its code tells every audit hook of the process, which takes longer than
        all else here, and is done once.
        """
        passed, first = self._passed, self._first
        stacks: list[FrameType | None] | None = None
        otherwise: FrameType | None = None
        while True:
            try:
                while frame is not None and frame.f_globals["__name__"] in passed:  # most of fifty
                    frame = frame.f_back
            except KeyError:  # of code that somebody runs in a dictionary of his own
                pass
            if frame is None:
                stacks = outer() if stacks is None else stacks
                if not stacks:
                    return UNKNOWN if otherwise is None else Location.of_frame(otherwise)
                frame = stacks.pop(0)
            elif otherwise is not None and frame.f_globals.get("__name__") in self._second:
                frame = frame.f_back
            elif (code := frame.f_code).co_filename in first:
                return made(Location, (code.co_filename, frame.f_lineno, code.co_name))
            elif frame.f_globals.get("__name__") in self._ends:
                frame = None
            else:
                rank = self._rank(code.co_filename, frame.f_globals)
                if rank == "second":
                    otherwise = otherwise or frame
                if rank != "first":
                    frame = frame.f_back

    def _rank(self, filename: str, names: Mapping[str, object]) -> Rank:
        rank = self._ranks.get(filename)
        if rank is None:
            rank = self._ranks[filename] = self._rank_of(filename)
        if rank == "first":
            self._first.add(filename)
        elif names.get("__file__") == filename:  # not what a library only lends its names to
            (self._passed if rank == "passed" else self._second).add(names.get("__name__"))
        return rank

    def _rank_of(self, filename: str) -> Rank:
        if filename.startswith(("<frozen ", "<sqlalchemy ", *folders_of(self._libraries))):
            return "passed"
        return "second" if self._is_second(filename) else "first"


def folders_of(libraries: Iterable[str]) -> Iterator[str]:
    """Give the folders of the libraries imported by now; a frame's file always belongs to an imported module."""
    for name in libraries:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            yield os.path.dirname(file) + os.sep
