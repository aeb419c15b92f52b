"""Where it happened: the project's own lines of the stack now, of an error, of what ``faulthandler`` wrote."""

from __future__ import annotations

import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType

from greenlet import getcurrent  # type: ignore[import-untyped]

from hermetic.cli.init.trial.outcome import Line
from hermetic.code import is_library

_READING = (os.path.dirname(__file__), os.getenv.__code__.co_filename, Mapping.get.__code__.co_filename)
"""Where a read of a variable passes through: our own hearing, ``os.getenv`` and ``os.environ.get``."""

FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)


def line_at_work(root: str) -> Line | None:
    """Return the innermost line of the project that is being run; None where only libraries are at work.

    Args:
        root: The project's folder.
    """
    for frame in _stack():
        if _is_own(frame.f_code.co_filename, root):
            return line_of(frame.f_code.co_filename, frame.f_lineno)
    return None


def reads(root: str) -> bool:
    """Whether it is a line of the project that reads a variable of the environment now, and no library's."""
    reading = (frame.f_code.co_filename for frame in _stack())
    return _is_own(next(file for file in reading if not file.startswith(_READING)), root)


def lines_of(error: BaseException, root: str) -> tuple[Line, ...]:
    """Return the project's lines on the way to an error, the innermost first, each file once.

    Args:
        error: Where Python could not read a file, that file's line is the innermost.
        root: The project's folder.
    """
    found = []
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename, root):
        found = [(error.filename, error.lineno or 1)]
    frames = traceback.extract_tb(error.__traceback__)
    found += [(frame.filename, frame.lineno or 1) for frame in reversed(frames)]
    own: dict[str, int] = {}
    for file, number in found:
        if _is_own(file, root):
            own.setdefault(file, number)
    return tuple(line_of(file, number) for file, number in own.items())


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an error, and those that it was raised for, the last first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


def lines_of_stack(text: str, root: str) -> tuple[Line, ...]:
    """Return the project's lines in what ``faulthandler`` wrote, the innermost first, each file once."""
    own: dict[str, int] = {}
    for file, number in FRAME.findall(text):
        if _is_own(file, root):
            own.setdefault(file, int(number))
    return tuple(line_of(file, number) for file, number in own.items())


def _stack() -> Iterator[FrameType]:
    """Yield the frames that are at work, the innermost first: through the greenlets in which async engines connect."""
    frame: FrameType | None = sys._getframe()
    greenlet = getcurrent()
    while frame is not None:
        yield frame
        frame = frame.f_back
        if frame is None and greenlet.parent is not None:
            greenlet = greenlet.parent
            frame = greenlet.gr_frame


def _is_own(file: str, root: str) -> bool:
    return file.startswith(os.path.join(root, "")) and not is_library(file)


def line_of(file: str, number: int) -> Line:
    """Return a line with its text."""
    return Line(file, number, linecache.getline(file, number).strip())
