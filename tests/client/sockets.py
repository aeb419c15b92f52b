"""Applications of one websocket, in plain ASGI."""

from __future__ import annotations

from typing import Any

from hermetic.client._asgi import Receive, Scope, Send

ACCEPT = {"type": "websocket.accept"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept, and send each message back until the client leaves."""
    await receive()
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def says(*messages: dict[str, Any], error: BaseException | None = None) -> Any:
    """Make an application that answers the handshake with these messages, then raises or waits for the end."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(message)
        if error is not None:
            raise error
        await receive()

    return app


def text(data: str) -> dict[str, Any]:
    """Return the message of an application that says this."""
    return {"type": "websocket.send", "text": data}


def close(code: int = 1000, reason: str | None = None) -> dict[str, Any]:
    """Return the message by which an application closes."""
    return {"type": "websocket.close", "code": code, "reason": reason}
