"""Send the same requests to an application in the test's loop and behind uvicorn, and list what each side saw.

Behind uvicorn the client is httpx2 on a real socket, or the ``websockets`` package.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from hermetic import AsyncTestClient
from hermetic.client import LiveServer
from hermetic.client._asgi import ASGI3App, Message, Receive, Scope, Send

Send_Requests = Callable[[httpx2.AsyncClient], Awaitable[Any]]
SERVERS_OWN = frozenset({"date", "server", "transfer-encoding", "content-length", "connection"})


class Noting:
    """An application that notes what it is told, and how it ends.

    Args:
        app: What answers.

    Attributes:
        events: The types of what it received and sent, in order; what it raised; its end.
    """

    def __init__(self, app: ASGI3App) -> None:
        self.events: list[str] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, taking notes."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)

        async def noting_receive() -> Message:
            message = await receive()
            self.events.append(f"received {message['type']}")
            return message

        async def noting_send(message: Message) -> None:
            self.events.append(f"sent {message['type']}")
            await send(message)

        try:
            await self._app(scope, noting_receive, noting_send)
        except BaseException as error:
            self.events.append(f"raised {type(error).__name__}")
            raise
        finally:
            self.events.append("ended")


def seen(response: httpx2.Response) -> dict[str, Any]:
    """List what a test can see of a response, less what only servers add."""
    return {
        "status": response.status_code,
        "headers": [pair for pair in response.headers.multi_items() if pair[0] not in SERVERS_OWN],
        "body": response.content,
        "cookies": sorted(response.cookies.items()),
        "history": [past.status_code for past in response.history],
    }


@asynccontextmanager
async def in_loop(app: Any, **options: Any) -> Any:
    """Give a client that calls the application in the loop."""
    async with AsyncTestClient(
        app, raise_server_exceptions=False, follow_redirects=True, **options
    ) as client:
        yield client


@asynccontextmanager
async def behind_uvicorn(app: Any, **options: Any) -> Any:
    """Give a client that calls it over a socket."""
    with LiveServer(app) as server:
        headers = {"user-agent": "testclient", "host": "testserver"}
        async with httpx2.AsyncClient(
            base_url=server.url, headers=headers, follow_redirects=True, **options
        ) as client:
            yield client


def compare(app: Callable[[], ASGI3App], requests: Send_Requests) -> tuple[Any, Any]:
    """Return what is seen in the loop and behind uvicorn: of the responses, and of the application's events."""

    async def one(way: Any) -> Any:
        noting = Noting(app())
        async with way(noting) as client:
            found = await requests(client)
        return found, noting.events

    return asyncio.run(one(in_loop)), asyncio.run(one(behind_uvicorn))
