"""Where an error came from, and what stands in its frames: a failure is looked at before they are gone."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterator
from traceback import walk_tb
from types import FrameType
from typing import Any

from hermetic.code import Location, is_library


def frames(error: BaseException) -> list[FrameType]:
    """Return the frames through which an error came, the innermost first."""
    return [frame for frame, _ in walk_tb(error.__traceback__)][::-1]


def project_frames(error: BaseException) -> Iterator[FrameType]:
    """Give those of the project's own code, the innermost first."""
    return (frame for frame, _ in project_lines(error))


def project_lines(error: BaseException) -> Iterator[tuple[FrameType, Location]]:
    """Give those of the project's own code, each with the line at which it was left, the innermost first."""
    for frame, line in [*walk_tb(error.__traceback__)][::-1]:
        code = frame.f_code
        if not is_library(code.co_filename):
            yield frame, Location(code.co_filename, line, code.co_name)


def places(error: BaseException) -> list[Location]:
    """Return the lines of the project through which an error came, the innermost first."""
    return [at for _, at in project_lines(error)]


def lines_of(function: Location) -> Iterator[tuple[int, str]]:
    """Give the lines of a function of the project's, each with its number."""
    lines = linecache.getlines(function.file)[function.line - 1 :]
    return enumerate(inspect.getblock(lines), function.line)


def place_of(error: BaseException, otherwise: str) -> str:
    """Return the innermost of these lines, and what else to say where there is none."""
    return next((str(at) for at in places(error)), otherwise)


def named(frame: FrameType, name: str) -> Any:
    """Return what a name stands for in a frame, be it a local or a global; None where it is neither."""
    return frame.f_locals.get(name, frame.f_globals.get(name))


def value(frame: FrameType, name: str, kind: str) -> Any:
    """Return a local of a frame if it is of a class of this name, be it by inheritance; else None."""
    found = frame.f_locals.get(name)
    return found if is_a(found, kind) else None


def objects_through(error: BaseException, kind: str) -> Iterator[Any]:
    """Give the objects of a class of this name through whose methods an error came, the innermost first."""
    for frame in frames(error):
        found = value(frame, "self", kind)
        if found is not None:
            yield found


def connection_through(error: BaseException) -> Any:
    """Return SQLAlchemy's connection, by which an error came; None where it came by none."""
    return next((each for each in objects_through(error, "Connection") if hasattr(each, "engine")), None)


def session_of(found: object) -> Any:
    """Return the Session that a value is, or that an ``AsyncSession`` has; None for anything else."""
    own = attribute(found, "sync_session") if is_a(found, "AsyncSession") else found
    return own if is_a(own, "Session") and attribute(own, "identity_map") is not None else None


def attribute(found: object, name: str) -> Any:
    """Return an attribute of a value; None where there is none, or where it cannot be asked: a proxy of nothing."""
    try:
        return getattr(found, name, None)
    except Exception:  # of whatever the project's code has there
        return None


def is_a(found: object, kind: str) -> bool:
    """Whether a value is of a class of this name, or of one that inherits from it; nothing of it is called."""
    return inherits(type(found), kind)


def inherits(kind: type, name: str) -> bool:
    """Whether a class is of this name, or inherits from one that is."""
    return any(each.__name__ == name for each in kind.__mro__)


def is_by_test_client(error: BaseException) -> bool:
    """Whether an error came through Starlette's synchronous client."""
    return any(frame.f_globals.get("__name__") == "starlette.testclient" for frame in frames(error))
