"""One websocket: the application's task on one side, the test's on the other.

Messages wait for whoever takes them, as they do in a server's buffers: an application may run ahead of the test by 64
KiB, which is uvicorn's mark too, so one that greets and goes on is where it would be in production, and one that sends
for ever does not fill the memory. What comes after the end is uvicorn's as well: the application gets
``websocket.disconnect``, and what it sends then is an ``OSError``, as version 2.4 of the specification has it.

The exceptions that a test gets are Starlette's own, where it is there, so ``pytest.raises(WebSocketDisconnect)`` means
the same here and with ``TestClient``. Starlette is not asked to be installed: the client runs any ASGI application.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

import httpx2

from hermetic.client._app_task import AppTask, expect, header_pairs
from hermetic.client._asgi import Message

AHEAD = 64 * 1024
OVERHEAD = 16  # a message of nothing counts too
SOCKET, CLOSE = "hermetic.websocket", "hermetic.close"  # where a response has them
NORMAL, NO_CODE, ABNORMAL = 1000, 1005, 1006


if TYPE_CHECKING:
    from starlette.websockets import WebSocketDisconnect as WebSocketDisconnect
else:
    try:
        from starlette.websockets import WebSocketDisconnect
    except ImportError:

        class WebSocketDisconnect(Exception):
            """A websocket was closed.

            Args:
                code: The close code.
                reason: The close reason.
            """

            def __init__(self, code: int = 1000, reason: str | None = None) -> None:
                super().__init__(code, reason)
                self.code = code
                self.reason = reason or ""


class WebSocketDenialResponse(httpx2.Response, WebSocketDisconnect):  # type: ignore[misc]
    """The response by which an application refused a websocket: raised when one is opened."""


class ClientDisconnected(OSError):
    """What an application gets that sends to a websocket whose client has left."""


class WebSocketTask(AppTask):
    """Run an application for one websocket; the arguments are those of ``AppTask``.

    Attributes:
        accepted: The ``websocket.accept`` message, once it was sent.
        close_message: The ``websocket.close`` message, once it was sent.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accepted: Message | None = None
        self.close_message: Message | None = None
        self._denial: Message | None = None
        self._denial_body: list[bytes] = []
        self._denied = False
        self._connected = False
        self._disconnect_message: Message | None = None
        self._to_app: deque[Message] = deque()
        self._to_test: deque[Message] = deque()
        self._ahead = 0

    # The application's side.

    async def receive(self) -> Message:
        """Give the application the next message: connect, what the test sent, then disconnect for ever."""
        __tracebackhide__ = True
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        await self.wait_for(lambda: bool(self._to_app or self._disconnect_message) or self._is_over())
        if self._is_over():
            self._disconnect_received = True
            return {"type": "websocket.disconnect", "code": NO_CODE, "reason": ""}
        if self._to_app:
            return self._to_app.popleft()
        assert self._disconnect_message is not None
        self._disconnect_received = True
        return dict(self._disconnect_message)

    def _is_over(self) -> bool:
        """Whether the application has closed or refused it itself."""
        return self.close_message is not None or self._denied

    async def send(self, message: Message) -> None:
        """Take a message of the application; wait while it is too far ahead of the test."""
        __tracebackhide__ = True
        kind = message["type"]
        expect(not self._is_over(), f'Received "{kind}" after the websocket was closed.')
        if kind.startswith("websocket.http.response."):
            self._on_denial(kind, message)
        elif kind == "websocket.accept":
            expect(self.accepted is None and self._denial is None, 'Received multiple "websocket.accept".')
            self.accepted = message
        elif kind == "websocket.close":
            self._disconnect_received = True
            self.close_message = message
            self._to_test.append(message)
        else:
            expect(self.accepted is not None, f'Received "{kind}" without "websocket.accept".')
            await self._on_message(dict(message))
        self.notify_all()

    def _on_denial(self, kind: str, message: Message) -> None:
        __tracebackhide__ = True
        expect(self.accepted is None, f'Received "{kind}" after "websocket.accept".')
        if kind == "websocket.http.response.start":
            expect(self._denial is None, f'Received multiple "{kind}".')
            self._denial = message
            return
        expect(self._denial is not None, f'Received "{kind}" without "websocket.http.response.start".')
        self._denial_body.append(bytes(message.get("body", b"")))
        self._denied = self._disconnect_received = not message.get("more_body", False)

    async def _on_message(self, message: Message) -> None:
        __tracebackhide__ = True
        if self._disconnect_message is not None:
            self._disconnect_received = True
            await asyncio.sleep(0)  # else an application that tries for ever would stop the loop
            raise ClientDisconnected("the websocket's client has left")
        self._to_test.append(message)
        self._ahead += _size(message)
        self.notify_all()
        await self.wait_for(lambda: self._ahead <= AHEAD or self._disconnect_message is not None)

    # The test's side.

    async def answer(self) -> httpx2.Response:
        """Wait for the application's answer to the handshake, and return it as a server would send it.

        Raises:
            BaseException: What the application raised.
            AssertionError: It ended without an answer.
        """
        __tracebackhide__ = True
        ready = self.wait_for(lambda: self.accepted is not None or self._is_over() or self._ended)
        try:
            await self._within(self.read_timeout, ready)
        except (asyncio.CancelledError, httpx2.ReadTimeout) as interruption:
            await self._disconnect_for_good(self._disconnect_interrupted(interruption))
            raise
        if self.accepted is not None:
            response = httpx2.Response(101, headers=header_pairs(self.accepted), stream=_OpenWebSocket(self))
            response.extensions[SOCKET] = self
            return response
        await self.close()
        if self._denied and self._denial is not None:
            status, headers = self._denial["status"], header_pairs(self._denial)
            return httpx2.Response(
                status, headers=headers, content=b"".join(self._denial_body), request=self.request
            )
        if self.close_message is not None:
            return httpx2.Response(403, request=self.request, extensions={CLOSE: self.close_message})
        expect(
            not self._options.raise_errors, f"{self._owner.name}: the application ended without any answer."
        )
        return httpx2.Response(500, request=self.request)

    async def put(self, message: Message) -> None:
        """Send the application a message.

        Raises:
            BaseException: What the application raised.
            WebSocketDisconnect: It is closed.
        """
        __tracebackhide__ = True
        if self._ended or self._is_over() or self._disconnect_message is not None:
            self._raise_why_over()
        self._to_app.append(message)
        self.notify_all()
        await asyncio.sleep(0)

    async def get(self, seconds: float | None) -> Message:
        """Return the application's next message, ``websocket.close`` included, once.

        Raises:
            BaseException: What the application raised.
            WebSocketDisconnect: There is none any more.
            httpx2.ReadTimeout: There was none for so many seconds; the websocket is still open.
        """
        __tracebackhide__ = True
        await self._within(
            self.read_timeout if seconds is None else seconds,
            self.wait_for(lambda: bool(self._to_test) or self._is_over() or self._ended),
        )
        if not self._to_test:
            self._raise_why_over()
        message = self._to_test.popleft()
        if message is not self.close_message:
            self._ahead -= _size(message)
        self.notify_all()
        return message

    def disconnect(self, code: int, reason: str) -> None:
        """Tell the application that the client has closed; its next send is an error."""
        if self._disconnect_message is None:
            self._disconnect_message = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self.notify_all()

    async def close(self) -> None:
        """Disconnect, and wait for the application's end.

        Raises:
            BaseException: What the application raised.
        """
        __tracebackhide__ = True
        if self._closed:
            return
        await self._disconnect_for_good(self._disconnect())
        self._raise_error()
        self._raise_if_stuck()

    finish = close

    async def _disconnect_for_good(self, disconnecting: Coroutine[Any, Any, None]) -> None:
        __tracebackhide__ = True
        self._closed = True
        self.disconnect(NORMAL, "")
        try:
            await disconnecting
        finally:
            self._on_close(self)

    def _raise_error(self) -> None:
        __tracebackhide__ = True
        error = self._error if self._options.raise_errors else None
        self._raise(None if error is None or _is_of_disconnect(error) else error)

    def _raise_why_over(self) -> None:
        __tracebackhide__ = True
        self._raise_error()
        if self.close_message is not None:
            raise WebSocketDisconnect(
                self.close_message.get("code", NORMAL), self.close_message.get("reason") or ""
            )
        if self._disconnect_message is not None:
            raise WebSocketDisconnect(self._disconnect_message["code"], self._disconnect_message["reason"])
        error = WebSocketDisconnect(ABNORMAL, "")
        error.add_note("The application ended without closing the websocket.")
        raise error


class _OpenWebSocket(httpx2.AsyncByteStream):
    """Stands for the body of the answer to a handshake; httpx2 closes it if nobody gets the response."""

    def __init__(self, task: WebSocketTask) -> None:
        self._task = task

    async def aclose(self) -> None:
        __tracebackhide__ = True
        await self._task.close()


def _is_of_disconnect(error: BaseException) -> bool:
    """Whether an error says no more than that the client has left: it is the one that we gave, or made of that."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_of_disconnect(each) for each in error.exceptions)
    if isinstance(error, WebSocketDisconnect):
        return isinstance(error.__context__, ClientDisconnected)
    return isinstance(error, ClientDisconnected)


def _size(message: Message) -> int:
    return OVERHEAD + len(message.get("text") or message.get("bytes") or b"")


def denial(response: httpx2.Response, content: bytes) -> WebSocketDenialResponse:
    """Make the exception for a refusal; it is of the class of ``starlette.testclient`` too, where that is in use."""
    kind = _class_with(getattr(sys.modules.get("starlette.testclient"), "WebSocketDenialResponse", None))
    return kind(
        status_code=response.status_code,
        headers=response.headers,
        content=content,
        request=response.request,
    )


@functools.cache
def _class_with(other: Any) -> type[WebSocketDenialResponse]:
    if other is None or not issubclass(other, httpx2.Response):  # an old one is of httpx
        return WebSocketDenialResponse
    return cast(
        type[WebSocketDenialResponse], type("WebSocketDenialResponse", (WebSocketDenialResponse, other), {})
    )
