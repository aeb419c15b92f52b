"""The client: an ASGI application called in the test's own event loop, with its lifespan.

Knows nothing of pytest and nothing of databases.
"""

from hermetic.client._asgi import ASGIApp
from hermetic.client._client import AsyncTestClient
from hermetic.client._lifespan import Lifespan

__all__ = ["ASGIApp", "AsyncTestClient", "Lifespan"]

AsyncTestClient.__module__ = "hermetic"
Lifespan.__module__ = "hermetic.client"
