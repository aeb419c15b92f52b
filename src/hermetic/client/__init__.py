"""The client: an ASGI application called in the test's own event loop, with its lifespan.

Knows nothing of pytest and nothing of databases.
"""

from hermetic.client._asgi import ASGIApp
from hermetic.client._client import AsyncTestClient
from hermetic.client._lifespan import Lifespan
from hermetic.client._live import LiveServer
from hermetic.client._sse import EventStream
from hermetic.client._websocket import WebSocketSession
from hermetic.client._websocket_task import WebSocketDenialResponse, WebSocketDisconnect

__all__ = [
    "ASGIApp",
    "AsyncTestClient",
    "EventStream",
    "Lifespan",
    "LiveServer",
    "WebSocketDenialResponse",
    "WebSocketDisconnect",
    "WebSocketSession",
]

AsyncTestClient.__module__ = "hermetic"
for _public in (EventStream, Lifespan, LiveServer, WebSocketDenialResponse, WebSocketSession):
    _public.__module__ = "hermetic.client"
