"""A test that wants to see an answer of 500, and gets the application's exception instead."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from traceback import walk_tb

from hermetic.causes.applications import ERROR_IS_RAISED_AGAIN
from hermetic.explain.clients import client_of
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, place_of, value
from hermetic.explain.history import History

_COMPARED = re.compile(
    r"status\w*\b.*(?:\b5\d\d\b|INTERNAL_SERVER_ERROR|SERVER_ERROR)|\bis_server_error\b|\bis_error\b"
)

CHANGES = {
    "ASGITransport": "ASGITransport(app=app, raise_app_exceptions=False)",
    "TestClient": "TestClient(app, raise_server_exceptions=False)",
    "AsyncTestClient": "AsyncTestClient(app, raise_server_exceptions=False)",
}


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say that a client raises what the test wants to see as an answer."""
    del history
    error = failure.error
    if failure.phase != "call" or not any(
        value(each, "self", "ServerErrorMiddleware") for each in frames(error)
    ):
        return
    client = client_of(failure, error)
    compared = _compared(failure)
    change = CHANGES.get(client.kind)
    if compared and change is not None:
        at = place_of(error, "the application")
        yield Explanation(
            ERROR_IS_RAISED_AGAIN,
            (
                f"The application raised {type(error).__name__} at {at}. {compared} expects an answer of 500, but"
                f" {client} raises an application's exceptions instead.",
            ),
            (f"{change}: then the test gets the answer",),
        )


def _compared(failure: Failure) -> str:
    """Return the line of the test that looks at the status, at the line that failed or below it; else empty."""
    function = failure.function
    if function is None:
        return ""
    for frame, failed in walk_tb(failure.error.__traceback__):
        code = frame.f_code
        if (code.co_filename, code.co_firstlineno) == (function.file, function.line):
            last = max(line for _, _, line in code.co_lines() if line)
            for line in range(failed, last + 1):
                if _COMPARED.search(linecache.getline(function.file, line)):
                    return f"{function.file}:{line}"
    return ""
