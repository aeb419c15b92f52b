"""``AsyncTestClient``: the client of these tests.

FastAPI's ``TestClient`` is synchronous: it runs the application in an event loop of its own, in another
thread, while the test that calls it stands still. An async database connection belongs to the loop that
opened it, so a test that awaits the database itself cannot share one with such a client.

``AsyncTestClient`` runs the application in the test's own loop. It is an ``httpx2.AsyncClient`` (the library
that ``TestClient`` stands on today) with the arguments and defaults of ``TestClient``::

    async with AsyncTestClient(app) as client:      # runs the application's lifespan
        response = await client.get("/api/health")

Tests rarely make one: the fixture ``async_client`` hands out a client of the application that ``pytest.ini``
names. The class comes from hermetic; this module stands where the guide puts it.
"""

from hermetic import AsyncTestClient

__all__ = ["AsyncTestClient"]
