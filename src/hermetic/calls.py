"""Tell of what an ASGI application is called for: a request, a websocket or its lifespan, from its begin to its end.

Whoever calls it sets the owner first. Nobody pays for this who does not listen: a call then goes straight through.

A stream without an end is ended here, and named, where its client gives nothing away before the end: httpx's transport
collects all of an answer, and so does Starlette's ``TestClient``. Neither has a time limit for that.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from math import inf
from typing import Any

from hermetic.causes.applications import STREAM_NEVER_ENDS
from hermetic.code import location_of, made
from hermetic.events import Source, emit, listeners
from hermetic.events.application import (
    BODY,
    LifespanBegan,
    LifespanEnded,
    LifespanStarted,
    RequestBegan,
    RequestEnded,
    WebsocketBegan,
    WebsocketEnded,
)
from hermetic.events.database import TEXT
from hermetic.owners import Owner, current
from hermetic.threads import now

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COLLECTING = ("ASGITransport.handle_async_request.", "_TestClientTransport.handle_request.")
"""Clients that give an answer away once all of it is there, by the names of what they have an application send to."""

EVENTS, OTHERS = 10.0, 30.0
"""Seconds that they collect a stream of events, which has no end by itself, and another one."""

TEXTS = (b"json", b"text", b"xml", b"urlencoded")
"""What a type of content has in it whose body is a text."""

SOURCES = {
    "http": Source((RequestBegan, RequestEnded)),
    "websocket": Source((WebsocketBegan, WebsocketEnded)),
    "lifespan": Source((LifespanBegan, LifespanStarted, LifespanEnded)),
}
for _source in SOURCES.values():
    _source.open()


def told_of(app: App, scope: Scope) -> App:
    """Return what is called in place of an application, by whoever has made its owner the current one."""
    source = SOURCES.get(scope["type"])
    return app if source is None or not source.is_on else partial(_told, app)


async def _told(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Call an application, for the current owner, and tell of it."""
    __tracebackhide__ = True
    call = _CALLS[scope["type"]](current(), scope, send)
    try:
        await app(scope, receive, call.tell)
    except BaseException as error:
        call.end(type(error).__name__)
        raise
    call.end("")


class _Call(ABC):
    """One call of an application, which begins with this.

    Args:
        owner: Whose it is.
        scope: What it is called with.
        send: What it sends to.
    """

    def __init__(self, owner: Owner, scope: Scope, send: Send) -> None:
        self._owner = owner
        self._scope = scope
        self._send = send
        self._path = scope.get("path", "")
        self._began = now()

    @abstractmethod
    def tell(self, message: Message) -> Awaitable[None]:
        """Look at what the application sends, and send it: without a coroutine of its own."""

    @abstractmethod
    def end(self, error: str) -> None:
        """Tell that it is over, and the name of the class of what the application raised."""


class _Request(_Call):
    _status = 0
    _body: ErrorBody | None = None
    _secure_cookies: tuple[str, ...] = ()
    _redirected_to = ""
    _headers: Iterable[tuple[bytes, bytes]] = ()
    _stream: _Stream | None = None

    def __init__(self, owner: Owner, scope: Scope, send: Send) -> None:
        super().__init__(owner, scope, send)
        self._method = scope.get("method", "")
        self._query = scope.get("query_string", b"")
        if (tell := listeners.get(RequestBegan)) is not None:
            tell(made(RequestBegan, (owner, self._method, self._path)))

    def tell(self, message: Message) -> Awaitable[None]:
        __tracebackhide__ = True
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = message.get("headers", ())
            if self._status >= 400:
                self._body = ErrorBody(self._headers)
            elif self._status >= 300:
                self._redirected_to = redirect_of(self._headers)
            if self._scope.get("scheme") == "http":
                self._secure_cookies = secure_cookies(self._headers)
        elif message["type"] == "http.response.body":
            if self._body is not None:
                self._body.add(message.get("body", b""))
            if message.get("more_body"):
                if self._stream is None:
                    self._stream = _Stream(self._scope, self._headers, self._send)
                self._stream.note()
        return self._send(message)

    def end(self, error: str) -> None:
        scope, tell = self._scope, listeners.get(RequestEnded)
        if tell is None:
            return
        told = (
            self._owner,
            self._method,
            self._path,
            self._status,
            now() - self._began,
            error,
            self._query[:TEXT].decode("latin-1"),
            "" if self._body is None else self._body.text(),
            id(scope["endpoint"]) if "endpoint" in scope else 0,
            self._secure_cookies,
            () if self._status < 400 else sent_cookies(scope.get("headers", ())),
            self._redirected_to,
        )
        tell(made(RequestEnded, told))


class _Websocket(_Call):
    _code = 0

    def __init__(self, owner: Owner, scope: Scope, send: Send) -> None:
        super().__init__(owner, scope, send)
        emit(WebsocketBegan(owner, self._path))

    def tell(self, message: Message) -> Awaitable[None]:
        __tracebackhide__ = True
        if message["type"] == "websocket.close":
            self._code = message.get("code", 1000)
        elif message["type"] == "websocket.http.response.start":
            self._code = message["status"]
        return self._send(message)

    def end(self, error: str) -> None:
        emit(WebsocketEnded(self._owner, self._path, self._code, now() - self._began, error))


class _Lifespan(_Call):
    def __init__(self, owner: Owner, scope: Scope, send: Send) -> None:
        super().__init__(owner, scope, send)
        emit(LifespanBegan(owner))

    def tell(self, message: Message) -> Awaitable[None]:
        __tracebackhide__ = True
        if message["type"] == "lifespan.startup.complete":
            emit(LifespanStarted(self._owner, now() - self._began))
        return self._send(message)

    def end(self, error: str) -> None:
        emit(LifespanEnded(self._owner, error))


_CALLS: dict[str, type[_Call]] = {"http": _Request, "websocket": _Websocket, "lifespan": _Lifespan}


class StreamNeverEnds(RuntimeError):
    """An application sends, and sends, to a client that waits for the last of it."""


class _Stream:
    """A body that an application sends in parts, and for how long its client collects them.

    Args:
        scope: The request's.
        headers: Those of the response.
        send: What the application sends to.
    """

    def __init__(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]], send: Send) -> None:
        is_collected = getattr(send, "__qualname__", "").startswith(COLLECTING)
        kinds = [value for name, value in headers if name.lower() == b"content-type"]
        is_of_events = any(kind.startswith(b"text/event-stream") for kind in kinds)
        self._seconds = (EVENTS if is_of_events else OTHERS) if is_collected else inf
        self._scope = scope
        self._began = now()
        self._parts = 0

    def note(self) -> None:
        """Count another part.

        Raises:
            StreamNeverEnds: The client has collected such parts for too long.
        """
        __tracebackhide__ = True
        self._parts += 1
        seconds = now() - self._began
        if seconds > self._seconds:
            raise StreamNeverEnds(self._told(seconds))

    def _told(self, seconds: float) -> str:
        method, path = self._scope["method"], self._scope["path"]
        endpoint = location_of(self._scope.get("endpoint"))
        where = "" if endpoint is None else f" ({endpoint})"
        return STREAM_NEVER_ENDS.told(
            (
                f"{method} {path}{where} has sent {self._parts} parts of its answer in {seconds:.0f} s, and not the"
                " last one.",
                "The client of the test gives an answer away once all of it is there, with `stream()`, too.",
            ),
            (
                f'async with async_client.stream("{method}", "{path}"): that fixture gives each part away, and ends the'
                " request with the block",
                "or an end for that stream: a number of events, or a time, that a test can set",
            ),
        )


def redirect_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the URL that an answer redirects to; empty where it names none."""
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"location"), "")


def secure_cookies(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, ...]:
    """Return the names of the cookies that an answer sets for https only, and does not delete."""
    values = [value for name, value in headers if name.lower() == b"set-cookie"]
    return tuple(map(_name_of, filter(_is_secure, values))) if values else ()


def _is_secure(cookie: bytes) -> bool:
    lower = cookie.lower()
    return b"; secure" in lower and b"; max-age=0" not in lower


def sent_cookies(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, ...]:
    """Return the names of the cookies that a request has."""
    return tuple(
        _name_of(pair) for name, value in headers if name.lower() == b"cookie" for pair in value.split(b";")
    )


def _name_of(cookie: bytes) -> str:
    return cookie.partition(b"=")[0].strip().decode("latin-1")


class ErrorBody:
    """The beginning of the body of a response that is an error, as far as it is a text.

    Args:
        headers: Those of the response.
    """

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        known = {bytes(name).lower(): bytes(value).lower() for name, value in headers}
        kind = known.get(b"content-type", b"text")
        self._is_wanted = any(word in kind for word in TEXTS)
        self._encoding = known.get(b"content-encoding", b"identity")
        self._data = b""

    def add(self, data: bytes) -> None:
        """Keep what there is room for."""
        if self._is_wanted and len(self._data) < BODY:
            self._data += bytes(data[: BODY - len(self._data)])

    def text(self) -> str:
        """Return the text; empty where it is none."""
        data = self._data
        if self._encoding in (b"gzip", b"deflate"):
            try:
                data = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, BODY)
            except zlib.error:
                return ""
        elif self._encoding != b"identity":
            return ""
        return data.decode("utf-8", errors="replace")
