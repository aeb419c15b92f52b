"""The same websockets behind uvicorn, with the ``websockets`` package as the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hermetic import AsyncTestClient
from hermetic.client import LiveServer, WebSocketDenialResponse
from hermetic.client._asgi import ASGI3App, Receive, Scope, Send
from tests.client.servers import Noting
from tests.client.sockets import ACCEPT, close, echo, text

DENIAL: list[dict[str, Any]] = [
    {"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-a", b"1")]},
    {"type": "websocket.http.response.body", "body": b"no"},
]


def answers(*messages: dict[str, Any], error: bool = False, wait: bool = False) -> ASGI3App:
    """Make an application that answers the handshake with these messages, then waits for the end, raises or returns."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        for message in messages:
            await send(message)
        if error:
            raise LookupError
        while wait and (await receive())["type"] != "websocket.disconnect":
            pass

    return app


async def echo_alone(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo, and raise at a lifespan."""
    assert scope["type"] == "websocket"
    await echo(scope, receive, send)


async def with_ours(app: ASGI3App, sent: list[str | bytes], closing: tuple[int, str] | None) -> Any:
    """Open a websocket in the loop, send, and list what comes back until the end."""
    found: list[Any] = []
    try:
        client = AsyncTestClient(app, raise_server_exceptions=False)
        async with client.websocket_connect("/ws", subprotocols=["a", "b"]) as websocket:
            found.append(websocket.accepted_subprotocol)
            for message in sent:
                key = "text" if isinstance(message, str) else "bytes"
                await websocket.send({"type": "websocket.receive", key: message})
                found.append(await anext(aiter(websocket)))
            if closing is not None:
                await websocket.close(*closing)
                return found
            found.extend([message async for message in websocket])
            found.append((websocket.close_code, websocket.close_reason))
    except WebSocketDenialResponse as refused:
        found.append(refused.status_code)
    except WebSocketDisconnect as closed:
        found.append(403 if not found else (closed.code, closed.reason))
    return found


async def with_websockets(app: ASGI3App, sent: list[str | bytes], closing: tuple[int, str] | None) -> Any:
    """Do the same over a socket."""
    found: list[Any] = []
    with LiveServer(app) as server:
        try:
            async with connect(f"ws://{server.host}:{server.port}/ws", subprotocols=["a", "b"]) as websocket:  # type: ignore[list-item]
                found.append(websocket.subprotocol)
                for message in sent:
                    await websocket.send(message)
                    found.append(await websocket.recv())
                if closing is not None:
                    await websocket.close(*closing)
                    return found
                while True:
                    found.append(await websocket.recv())
        except InvalidStatus as refused:
            found.append(refused.response.status_code)
        except ConnectionClosed as closed:
            found.append((closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, ""))
    return found


CASES: dict[str, tuple[Callable[[], ASGI3App], list[str | bytes], tuple[int, str] | None]] = {
    "echo": (lambda: echo_alone, ["x", b"y", "ü", ""], (1000, "")),
    "the client closes": (lambda: echo_alone, [], (3001, "enough")),
    "a subprotocol": (lambda: answers({**ACCEPT, "subprotocol": "b"}, wait=True), [], (1000, "")),
    "the application closes": (lambda: answers(ACCEPT, text("x"), close(1000), wait=True), [], None),
    "with a code": (lambda: answers(ACCEPT, close(4000, "why")), [], None),
    "it is going away": (lambda: answers(ACCEPT, text("x"), text("y"), close(1001, "bye")), [], None),
    "it fails": (lambda: answers(ACCEPT, error=True), [], None),
    "it fails before an answer": (lambda: answers(error=True), [], None),
    "it gives no answer": (lambda: answers(), [], None),
    "it refuses": (lambda: answers(close(4003)), [], None),
    "it refuses with a response": (lambda: answers(*DENIAL), [], None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_server_gives_the_same(name: str) -> None:
    """What the client sees, and what the application receives and sends, in order."""
    app, sent, closing = CASES[name]

    async def both() -> list[Any]:
        found = []
        for way in (with_ours, with_websockets):
            noting = Noting(app())
            found.append((await way(noting, sent, closing), noting.events))
        return found

    ours, theirs = asyncio.run(both())
    assert ours == theirs
