"""Tell of what an ASGI application is called for: a request, a websocket or its lifespan, from its begin to its end.

Whoever calls it sets the owner first. Nobody pays for this who does not listen: a call then goes straight through.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from hermetic.events import (
    LifespanBegan,
    LifespanEnded,
    LifespanStarted,
    RequestBegan,
    RequestEnded,
    Source,
    WebsocketBegan,
    WebsocketEnded,
    emit,
)
from hermetic.owners import Owner, current
from hermetic.threads import now

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

source = Source(
    (
        RequestBegan,
        RequestEnded,
        WebsocketBegan,
        WebsocketEnded,
        LifespanBegan,
        LifespanStarted,
        LifespanEnded,
    )
)
source.open()


def told_of(app: App) -> App:
    """Return what is called in place of an application, by whoever has made its owner the current one."""
    return partial(_told, app) if source.is_on else app


async def _told(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Call an application, for the current owner, and tell of it."""
    __tracebackhide__ = True
    call = _Call(current(), scope)

    async def telling(message: Message) -> None:
        call.note(message)
        await send(message)

    call.begin()
    try:
        await app(scope, receive, telling)
    except BaseException as error:
        call.end(type(error).__name__)
        raise
    call.end("")


class _Call:
    """One call of an application.

    Attributes:
        number: What it said last of its success: a status, or the code with which it closed a websocket.
    """

    def __init__(self, owner: Owner, scope: Scope) -> None:
        self._owner = owner
        self._kind = scope["type"]
        self._method = scope.get("method", "")
        self._path = scope.get("path", "")
        self._began = now()
        self.number = 0

    def begin(self) -> None:
        if self._kind == "http":
            emit(RequestBegan(self._owner, self._method, self._path))
        elif self._kind == "websocket":
            emit(WebsocketBegan(self._owner, self._path))
        else:
            emit(LifespanBegan(self._owner))

    def note(self, message: Message) -> None:
        """Look at what the application sends."""
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self.number = message["status"]
            case "websocket.close":
                self.number = message.get("code", 1000)
            case "lifespan.startup.complete":
                emit(LifespanStarted(self._owner, now() - self._began))

    def end(self, error: str) -> None:
        seconds = now() - self._began
        if self._kind == "http":
            emit(RequestEnded(self._owner, self._method, self._path, self.number, seconds, error))
        elif self._kind == "websocket":
            emit(WebsocketEnded(self._owner, self._path, self.number, seconds, error))
        else:
            emit(LifespanEnded(self._owner, error))
