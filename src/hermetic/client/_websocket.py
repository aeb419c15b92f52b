"""Websockets: the surface of Starlette's test session, awaited.

A session belongs to no task, so it can be opened in a fixture's set-up and left in its teardown, and any number can be
open at once. It is opened through the client's own ``send``, so its cookies, headers, authentication and event hooks
count, as for any request; what the application refuses comes back as a response, and is raised.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, cast

import httpx2

from hermetic.client._asgi import Message
from hermetic.client._await_hints import AsyncOnly, hinted
from hermetic.client._websocket_task import CLOSE, NORMAL, SOCKET, WebSocketDisconnect, WebSocketTask, denial

HEADERS = {"connection": "upgrade", "sec-websocket-key": "testserver==", "sec-websocket-version": "13"}
SCHEMES = {"http": "ws", "https": "wss"}
LEFT_IN_ORDER = (1000, 1001)


class WebSocketSession(AsyncOnly):
    """A websocket of an application, as ``AsyncTestClient.websocket_connect`` makes it: open inside ``async with``.

    Each method that waits raises the application's own exception if it ends with one.

    Attributes:
        accepted_subprotocol: The subprotocol that the application chose.
        extra_headers: The headers it accepted with, as raw pairs; None when it sent none.
        close_code: The code with which the application closed; None while it has not.
        close_reason: The reason that it gave.
    """

    _with = "async with client.websocket_connect(...) as websocket:"
    _for = "async for message in websocket:"

    def __init__(self, connect: Callable[[], Awaitable[WebSocketTask]]) -> None:
        self._connect = connect
        self._task: WebSocketTask | None = None
        self.accepted_subprotocol: str | None = None
        self.extra_headers: list[tuple[bytes, bytes]] | None = None
        self.close_code: int | None = None
        self.close_reason: str | None = None

    async def __aenter__(self) -> Self:
        """Open it.

        Raises:
            BaseException: What the application raised.
            WebSocketDisconnect: The application closed it without accepting.
            WebSocketDenialResponse: The application refused it with a response.
        """
        __tracebackhide__ = True
        self._task = await self._connect()
        accepted = cast(Message, self._task.accepted)
        self.accepted_subprotocol = accepted.get("subprotocol")
        self.extra_headers = accepted.get("headers")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close it, and wait for the application's end.

        Raises:
            BaseException: What the application raised, unless the block has raised already.
        """
        __tracebackhide__ = True
        try:
            await self._open.close()
        except Exception as error:
            if exc_value is None:
                raise
            exc_value.add_note(f"hermetic: as the websocket was left, the application raised {error!r}")

    @property
    def _open(self) -> WebSocketTask:
        if self._task is None:
            raise RuntimeError(
                "The websocket is not open: use it inside 'async with client.websocket_connect(...)'."
            )
        return self._task

    @property
    def scope(self) -> dict[str, Any]:
        """The scope that the application was called with."""
        return dict(self._open.scope)

    async def send(self, message: Message) -> None:
        """Send a raw ASGI message to the application."""
        __tracebackhide__ = True
        await self._open.put(message)

    async def send_text(self, data: str) -> None:
        """Send a text message."""
        __tracebackhide__ = True
        await self.send({"type": "websocket.receive", "text": data})

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        __tracebackhide__ = True
        await self.send({"type": "websocket.receive", "bytes": data})

    async def send_json(self, data: Any, mode: Literal["text", "binary"] = "text") -> None:
        """Send a message of JSON, as text or as bytes."""
        __tracebackhide__ = True
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        await (self.send_text(text) if mode == "text" else self.send_bytes(text.encode()))

    async def close(self, code: int = NORMAL, reason: str | None = None) -> None:
        """Close it from the client's side: the application gets ``websocket.disconnect``."""
        self._open.disconnect(code, reason or "")

    @hinted("websocket.receive()")
    async def receive(self, *, timeout: float | None = None) -> Message:
        """Return the application's next raw ASGI message, its ``websocket.close`` included.

        Args:
            timeout: Seconds to wait; by default those of ``websocket_connect``, or of the client.

        Raises:
            httpx2.ReadTimeout: There was none in time; the message has the application's stack, and the websocket
                can be used on.
            WebSocketDisconnect: It was closed already.
        """
        __tracebackhide__ = True
        message = await self._open.get(timeout)
        if message["type"] == "websocket.close":
            self.close_code, self.close_reason = message.get("code", NORMAL), message.get("reason") or ""
        return message

    @hinted("websocket.receive_text()")
    async def receive_text(self, *, timeout: float | None = None) -> str:
        """Return the next message, a text; other arguments and errors as of ``receive``."""
        __tracebackhide__ = True
        return cast(str, (await self._data(timeout))["text"])

    @hinted("websocket.receive_bytes()")
    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:
        """Return the next message, of bytes; other arguments and errors as of ``receive``."""
        __tracebackhide__ = True
        return cast(bytes, (await self._data(timeout))["bytes"])

    @hinted("websocket.receive_json()")
    async def receive_json(
        self, mode: Literal["text", "binary"] = "text", *, timeout: float | None = None
    ) -> Any:
        """Return what the next message says in JSON; other arguments and errors as of ``receive``."""
        __tracebackhide__ = True
        message = await self._data(timeout)
        return json.loads(message["text"] if mode == "text" else message["bytes"])

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give each message, text or bytes, until the application closes.

        Raises:
            WebSocketDisconnect: It closed with another code than 1000 (normal) or 1001 (going away).
        """
        __tracebackhide__ = True
        while True:
            try:
                message = await self._data(None)
            except WebSocketDisconnect as closed:
                if closed.code in LEFT_IN_ORDER:
                    return
                raise
            text = message.get("text")
            yield message["bytes"] if text is None else text

    async def iter_text(self) -> AsyncIterator[str]:
        """Give each message, all of text, until the application closes; errors as of iteration."""
        __tracebackhide__ = True
        async for message in self:
            yield cast(str, message)

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Give each message, all of bytes, until the application closes; errors as of iteration."""
        __tracebackhide__ = True
        async for message in self:
            yield cast(bytes, message)

    async def iter_json(self) -> AsyncIterator[Any]:
        """Give what each message says in JSON, until the application closes; errors as of iteration."""
        __tracebackhide__ = True
        async for message in self:
            yield json.loads(message)

    async def _data(self, timeout: float | None) -> Message:
        __tracebackhide__ = True
        message = await self.receive(timeout=timeout)
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(self.close_code or NORMAL, self.close_reason)
        return message


async def handshake(
    client: httpx2.AsyncClient,
    url: httpx2.URL | str,
    subprotocols: Sequence[str] | None,
    options: dict[str, Any],
) -> WebSocketTask:
    """Ask the application to accept a websocket.

    Args:
        client: The client whose request it is.
        url: Where.
        subprotocols: The subprotocols to offer.
        options: Arguments of ``AsyncTestClient.build_request`` and ``AsyncTestClient.send``.

    Raises:
        BaseException: What the application raised.
        WebSocketDisconnect: It closed without accepting.
        WebSocketDenialResponse: It refused with a response.
    """
    __tracebackhide__ = True
    options = dict(options)
    sending = {"auth": options.pop("auth")} if "auth" in options else {}
    headers = httpx2.Headers(HEADERS)
    if subprotocols is not None:
        headers["sec-websocket-protocol"] = ", ".join(subprotocols)
    headers.update(options.pop("headers", None))
    request = client.build_request("GET", url, headers=headers, **options)
    request.url = request.url.copy_with(scheme=SCHEMES.get(request.url.scheme, request.url.scheme))
    response = await client.send(request, stream=True, follow_redirects=False, **sending)
    return await accepted_by(response)


async def accepted_by(response: httpx2.Response) -> WebSocketTask:
    """Return what an application accepted; raise what it refused, as of ``handshake``."""
    __tracebackhide__ = True
    task = response.extensions.get(SOCKET)
    if isinstance(task, WebSocketTask):
        return task
    content = await response.aread()
    if (close := response.extensions.get(CLOSE)) is not None:
        raise WebSocketDisconnect(close.get("code", NORMAL), close.get("reason") or "")
    raise denial(response, content)
