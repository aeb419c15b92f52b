"""Why ``hermetic migrate`` leaves an asynchronous client that somebody wrote by hand."""

from __future__ import annotations

from hermetic.causes import Cause

RECIPE_FORM = Cause(
    "HM841",
    "An asynchronous client that is made in a form without a rewrite",
    """
    The test's client calls the application in its own event loop by another library, and is made or used in a way for
    which `hermetic migrate` knows no equal one: arguments that are computed, a transport that others use as well, a
    private attribute. It goes on working. To change it by hand: `AsyncTestClient(app)` takes the arguments of
    Starlette's `TestClient`; it runs the lifespan where it is entered, and only there.
    """,
)

ON_TRIO = Cause(
    "HM842",
    "A suite that runs on trio as well",
    """
    The suite names trio as one of the backends that anyio's plugin runs its tests on. `AsyncTestClient` runs on
    asyncio only, so these tests keep the client that they have. Have the fixture `anyio_backend` return `"asyncio"`,
    and convert them again.
    """,
)
