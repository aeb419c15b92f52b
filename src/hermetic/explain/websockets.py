"""A dependency that wants a request, in a websocket, which has none."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import FunctionType

from hermetic.causes.applications import REQUEST_IN_A_WEBSOCKET
from hermetic.code import location_of
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, inherits, value
from hermetic.explain.history import History

_MISSING = re.compile(r"(?:[\w<>]+\.)*(\w+)\(\) missing \d+ required positional arguments?: .*'(\w+)'")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the function, and its parameter."""
    del history
    for error in failure.chain():
        missing = _MISSING.match(str(error)) if isinstance(error, TypeError) else None
        path = None if missing is None else _path(error)
        function = None if missing is None or path is None else _function(error, missing[1])
        if missing is None or function is None or not _wants_a_request(function, missing[2]):
            continue
        yield Explanation(
            REQUEST_IN_A_WEBSOCKET,
            (
                f"{missing[1]} ({location_of(function)}) has the parameter {missing[2]}, a Request, and was asked for"
                f" the websocket {path}: FastAPI has no request to give it there.",
            ),
            (f"{missing[2]}: HTTPConnection, of fastapi.requests, which both are; or no such parameter",),
        )
        return


def _path(error: BaseException) -> str | None:
    """Return the path of the websocket for which an application was called."""
    called = [frame for frame in frames(error) if value(frame, "self", "Starlette") is not None]
    scopes = [scope for frame in called if isinstance(scope := frame.f_locals.get("scope"), dict)]
    return scopes[0]["path"] if scopes and scopes[0].get("type") == "websocket" else None


def _function(error: BaseException, name: str) -> FunctionType | None:
    values = [each for frame in frames(error) for each in frame.f_locals.values()]
    return next((each for each in values if isinstance(each, FunctionType) and each.__name__ == name), None)


def _wants_a_request(function: FunctionType, name: str) -> bool:
    try:
        kind = inspect.signature(function, eval_str=True).parameters[name].annotation
    except Exception:  # an annotation that cannot be read
        return False
    return isinstance(kind, type) and inherits(kind, "Request")
