"""What an application's start-up sets, and a test misses."""

from __future__ import annotations

from hermetic.causes import Cause

LIFESPAN_NOT_RUN = Cause(
    "HM745",
    "the application's lifespan did not run",
    """
    What an application sets when it starts (`app.state`, a pool, a global) is there only if somebody starts it. A
    server does; httpx's `ASGITransport` does not, and `TestClient` does in a `with` only. Enter the lifespan around the
    client, `async with app.router.lifespan_context(app)`, or use the fixture `async_client`, which runs it.
    """,
)

LIFESPAN_STATE_NOT_PASSED = Cause(
    "HM746",
    "the state of the lifespan did not reach the request",
    """
    What a lifespan yields is given to each request by the server, as `request.state`. `LifespanManager` does so for
    who calls `manager.app`, not for who calls the application itself; `lifespan_context()` alone gives it to nobody.
    Give the client's transport `manager.app`, or use the fixture `async_client`.
    """,
)

LIFESPAN_OF_MOUNTED_APPLICATION = Cause(
    "HM747",
    "a mounted application's lifespan does not run",
    """
    A server starts the outermost application. Starlette does not start what is mounted in it, so that what such an
    application's own lifespan would set is missing, in tests and in production: the outer lifespan has to enter it.
    """,
)

STATE_OF_ANOTHER_TEST = Cause(
    "HM748",
    "app.state has what another test had set",
    """
    An application that all tests import is one object, and so is its `app.state`: what a test, or a fixture of some
    tests, sets there is there for those that run after it, and missing where it did not run: alone, in another order,
    on another worker. Set it in the lifespan, or in a fixture that each test which needs it asks for.
    """,
)

STATE_IS_DELETED = Cause(
    "HM749",
    "monkeypatch has deleted an attribute of app.state",
    """
    `app.state` keeps its attributes in a dictionary of its own. pytest 9's `monkeypatch.setattr(app.state, ...)` finds
    no such attribute on the object itself, and so deletes it when the patch is undone: the next test has none. Set it
    in a fixture that puts the old value back.
    """,
)
