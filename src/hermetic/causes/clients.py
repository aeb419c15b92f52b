"""What clients do with an application's answers."""

from __future__ import annotations

from hermetic.causes import Cause

ERROR_IS_RAISED_AGAIN = Cause(
    "HM763",
    "the client raises the application's exception instead of answering 500",
    """
    A server answers 500 where an application raises. A client for tests raises the exception, so that the test shows
    where it came from. A test that is about the answer itself says so to its client:
    `ASGITransport(app=app, raise_app_exceptions=False)`, or `raise_server_exceptions=False` of `TestClient` and of
    `AsyncTestClient`.
    """,
)
