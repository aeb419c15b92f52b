"""The client by which a test called an application: of which kind, and where it comes from."""

from __future__ import annotations

from typing import NamedTuple

from hermetic.explain.failure import Failure
from hermetic.explain.frames import frames, is_a, project_frames, value

KINDS = ("ASGITransport", "TestClient", "AsyncTestClient")

_SHOWN = {"ASGITransport": "AsyncClient(transport=ASGITransport(app))", "TestClient": "TestClient(app)"}


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


def client_of(failure: Failure, error: BaseException) -> Client:
    """Return the client through which an error of an application came into the test."""
    return Client(_kind(error), _fixture(failure, error))


def _kind(error: BaseException) -> str:
    for frame in frames(error):
        for kind in KINDS:
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
