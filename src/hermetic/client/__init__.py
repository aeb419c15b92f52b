"""The client: an ASGI application called in the test's own event loop, with its lifespan.

Knows nothing of pytest and nothing of databases.
"""

from hermetic.client._asgi import ASGIApp
from hermetic.client._client import AsyncTestClient
from hermetic.client._events import EventStream
from hermetic.client._lifespan import Lifespan
from hermetic.client._live import LiveServer
from hermetic.client._socket import WebSocketDenialResponse, WebSocketDisconnect
from hermetic.client._websocket import WebSocketSession

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
