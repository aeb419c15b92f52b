"""Applications that the client's tests call, in plain ASGI, so that each shows one thing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hermetic.client._asgi import ASGI3App, Message, Receive, Scope, Send

START = {"type": "http.response.start", "status": 200, "headers": []}


async def start(
    send: Send, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, **more: Any
) -> None:
    """Send the start of a response."""
    await send({"type": "http.response.start", "status": status, "headers": headers or [], **more})


async def body(send: Send, data: bytes = b"", *, more: bool = False) -> None:
    """Send a piece of body, the last one unless told."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, with no lifespan."""
    assert scope["type"] == "http"
    await start(send)
    await body(send, b"hello")


async def echo_scope(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the request's scope."""
    await start(send, headers=[(b"content-type", b"application/json")])
    await body(send, json.dumps({**scope}, default=str).encode())


async def echo_messages(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the whole body of the request."""
    data = b""
    more = True
    while more:
        message = await receive()
        data += message["body"]
        more = message.get("more_body", False)
    await start(send)
    await body(send, data)


async def echo_chunks(scope: Scope, receive: Receive, send: Send) -> None:
    """Send each piece of the request's body back before asking for the next."""
    await start(send)
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await body(send, message["body"], more=more)


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a body that has no end, and look at nothing else."""
    await start(send)
    while True:
        await body(send, b"x", more=True)


def sends(*messages: Message, error: BaseException | None = None) -> ASGI3App:
    """Make an application that sends these messages, then raises."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


class Recorder:
    """An application that waits for ever after its start, and notes what it is told.

    Args:
        listen: Whether it waits for messages, else for nothing.
        linger: Turns of the loop that it needs to end after a disconnect.
        start_first: Whether it starts a response.
    """

    def __init__(self, *, listen: bool = True, linger: int = 0, start_first: bool = True) -> None:
        self.seen: list[str] = []
        self.begun = asyncio.Event()
        self._listen = listen
        self._linger = linger
        self._start_first = start_first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._start_first:
            await start(send)
        self.begun.set()
        try:
            await self._wait(receive)
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0)
            self.seen.append("cleaned up")

    async def _wait(self, receive: Receive) -> None:
        if not self._listen:
            await asyncio.Event().wait()
        await receive()
        self.seen.append((await receive())["type"])
        for _ in range(self._linger):
            await asyncio.sleep(0)
        self.seen.append("ended")
