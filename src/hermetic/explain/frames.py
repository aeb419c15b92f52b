"""What stands in the frames through which an error came: a failure is looked at before they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from hermetic.code import is_library


def frames(error: BaseException) -> list[FrameType]:
    """Return the frames through which an error came, the innermost first."""
    found = []
    entry: TracebackType | None = error.__traceback__
    while entry is not None:
        found.append(entry.tb_frame)
        entry = entry.tb_next
    return found[::-1]


def project_frames(error: BaseException) -> Iterator[FrameType]:
    """Give those of the project's own code, the innermost first."""
    return (frame for frame in frames(error) if not is_library(frame.f_code.co_filename))


def value(frame: FrameType, name: str, kind: str) -> Any:
    """Return a local of a frame if it is of a class of this name, be it by inheritance; else None."""
    found = frame.f_locals.get(name)
    return found if is_a(found, kind) else None


def attribute(found: object, name: str) -> Any:
    """Return an attribute of a value; None where there is none, or where it cannot be asked: a proxy of nothing."""
    try:
        return getattr(found, name, None)
    except Exception:  # of whatever the project's code has there
        return None


def is_a(found: object, kind: str) -> bool:
    """Whether a value is of a class of this name, or of one that inherits from it; nothing of it is called."""
    return any(each.__name__ == kind for each in type(found).__mro__)


def is_by_test_client(error: BaseException) -> bool:
    """Whether an error came through Starlette's synchronous client."""
    return any(frame.f_globals.get("__name__") == "starlette.testclient" for frame in frames(error))
