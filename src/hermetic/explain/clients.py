"""The client by which a test called an application: which it is, and what it does with an answer of 500."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from traceback import walk_tb
from typing import NamedTuple

from hermetic.causes.applications import ERROR_IS_RAISED_AGAIN
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import frames, is_a, objects_through, place_of, project_frames, value
from hermetic.explain.history import History

_SHOWN = {"ASGITransport": "AsyncClient(transport=ASGITransport(app))", "TestClient": "TestClient(app)"}

_COMPARED = re.compile(
    r"status\w*\b.*(?:\b5\d\d\b|INTERNAL_SERVER_ERROR|SERVER_ERROR)|\bis_server_error\b|\bis_error\b"
)

CHANGES = {
    "ASGITransport": "ASGITransport(app=app, raise_app_exceptions=False)",
    "TestClient": "TestClient(app, raise_server_exceptions=False)",
    "AsyncTestClient": "AsyncTestClient(app, raise_server_exceptions=False)",
}
"""The clients that are known, and what has each give the answer."""


class Client(NamedTuple):
    """A client.

    Attributes:
        kind: Its class, or that of its transport; empty where it is another one.
        fixture: The fixture that it comes from, with its place; empty where it is none.
    """

    kind: str
    fixture: str

    def __str__(self) -> str:
        what = _SHOWN.get(self.kind, self.kind or "its client")
        return f"{what}, the {self.fixture}" if self.fixture else what


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say that a client raises what the test wants to see as an answer."""
    del history
    error = failure.error
    if type(error).__module__.startswith("hermetic."):  # raised in the application, which has not failed
        return
    if failure.phase != "call" or next(objects_through(error, "ServerErrorMiddleware"), None) is None:
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


def client_of(failure: Failure, error: BaseException) -> Client:
    """Return the client through which an error of an application came into the test."""
    return Client(_kind(error), _fixture(failure, error))


def _kind(error: BaseException) -> str:
    for frame in frames(error):
        for kind in CHANGES:
            if value(frame, "self", kind) is not None:
                return kind
    return ""


def _fixture(failure: Failure, error: BaseException) -> str:
    known = {each.name: each for each in failure.fixtures}
    for frame in project_frames(error):
        for name, found in frame.f_locals.items():
            if name in known and any(is_a(found, each) for each in ("AsyncClient", "TestClient", "Client")):
                where = known[name].location
                return f"fixture {name!r}" + (f" ({where})" if where else "")
    return ""
