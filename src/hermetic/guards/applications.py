"""Know, for whatever an ASGI application does, who asked for it: which request, of which test, or the lifespan.

Every Starlette application of the process goes through ``Starlette.__call__``, whoever calls it: our client, a user's
own, ``TestClient`` in a thread, a server. So ownership is set there, once, instead of in each client. The
applications seen there also tell whose ``dependency_overrides`` are to be watched.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from types import ModuleType
from typing import Any, Protocol

from hermetic import tasks
from hermetic.calls import App, Message, Receive, Scope, Send, told_of
from hermetic.code import is_library
from hermetic.events import emit, listeners
from hermetic.events.application import StartUpBegan
from hermetic.owners import Owner, current, owned_by, sender
from hermetic.patch import Patch

Call = Callable[[Any, Scope, Any, Any], Awaitable[None]]

WITHOUT_APPLICATIONS = frozenset(
    {"_pytest", "anyio", "fastapi", "hermetic", "httpx2", "pydantic", "sqlalchemy", "starlette"}
)
"""Packages whose modules hold no application of a project: with Python's own nine tenths of all that modules hold."""


class Requests(Protocol):
    """Who is told of requests and websockets by each application that gets them; one may be mounted in another."""

    def called(self, request: Owner, application: Any) -> None:
        """An application is called for a request."""

    def answered(self, request: Owner, application: Any, scope: Scope) -> None:
        """It has answered, or failed to; the end of the request is told later."""


class StartUps(Protocol):
    """Who is told of start-ups."""

    def begin_start_up(self) -> None:
        """An application is about to be started."""

    @property
    def is_waiting_for_a_start_up(self) -> bool:
        """Whether there is anything to do when it is."""

    def end_start_up(self) -> None:
        """Its start-up is over; done beside the loop."""


class ApplicationWatch:
    """Sets the owner inside every Starlette application, from ``install`` to ``uninstall``.

    Args:
        seen: Called with each event loop in which an application is called.
        start_ups: Told of each application that is started.
    """

    def __init__(
        self,
        seen: Callable[[asyncio.AbstractEventLoop], None] = lambda loop: None,
        start_ups: StartUps | None = None,
    ) -> None:
        self._seen = seen
        self._start_ups = start_ups
        self._up: dict[object, tuple[Any, Owner]] = {}
        self._told: tuple[Requests, ...] = ()
        self._latest: asyncio.AbstractEventLoop | None = None
        self._patch: Patch | None = None

    @property
    def is_up(self) -> bool:
        """Whether an application is between its start-up and the end of its shutdown, whoever started it."""
        return bool(self._up)

    def is_kept_up(self, app: Any) -> bool:
        """Whether a lifespan of an application's that a test or its own fixture started has not ended."""
        return any(each is app and owner.is_test_level for each, owner in self._up.values())

    def tell(self, listener: Requests) -> None:
        """Have somebody told of requests."""
        self._told = (*self._told, listener)

    def tell_no_more(self, listener: Requests) -> None:
        """Have somebody told of none any more."""
        self._told = tuple([each for each in self._told if each is not listener])

    def install(self) -> None:
        """Start, if Starlette is loaded and it has not been done; costs next to nothing otherwise."""
        module = sys.modules.get("starlette.applications")
        if self._patch is None and module is not None and hasattr(module, "Starlette"):
            self._patch = Patch(module.Starlette, "__call__", self._owning)

    def _owning(self, patch: Patch) -> Call:
        original: Call = patch.original

        async def __call__(app: Any, scope: Scope, receive: Receive, send: Send) -> None:
            __tracebackhide__ = True
            if not patch.is_on:
                return await original(app, scope, receive, send)
            owner = _owner_of(scope)
            if owner is not current():  # our client has told of it already, and comes on below at once
                with owned_by(owner):
                    return await told_of(partial(__call__, app), scope)(scope, receive, send)
            self._note_loop()
            call: App = partial(original, app)
            told = self._told
            if scope["type"] == "lifespan":
                call, told = partial(self._lifespan, original, app), ()
            with owned_by(owner):
                for listener in told:
                    listener.called(owner, app)
                try:
                    await call(scope, receive, send)
                finally:
                    for listener in told:
                        listener.answered(owner, app, scope)

        return __call__

    async def _lifespan(self, original: Call, app: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a lifespan for as long as it lasts, and the end of its start-up before anybody else hears of it."""
        __tracebackhide__ = True
        start_ups = self._start_ups

        async def telling(message: Message) -> None:
            started = message["type"] == "lifespan.startup.complete"
            if started and start_ups is not None and start_ups.is_waiting_for_a_start_up:
                await tasks.beside_the_loop(start_ups.end_start_up)
            await send(message)

        lifespan = object()
        self._up[lifespan] = app, current()
        if StartUpBegan in listeners:
            emit(StartUpBegan(current(), id(app)))
        if start_ups is not None:
            start_ups.begin_start_up()
        try:
            await original(app, scope, receive, telling)
        finally:
            del self._up[lifespan]

    def _note_loop(self) -> None:
        loop = asyncio._get_running_loop()
        if loop is not None and loop is not self._latest:
            self._latest = loop
            self._seen(loop)

    def uninstall(self) -> None:
        """Leave Starlette's own method as it was."""
        if self._patch is not None:
            self._patch.undo()
            self._patch = None


def overriding_applications() -> list[Any]:
    """List the FastAPI applications that loaded modules hold, and so whose overrides can outlive a test."""
    fastapi = sys.modules.get("fastapi")
    if fastapi is None or not hasattr(fastapi, "FastAPI"):
        return []
    found: dict[int, Any] = {}
    for name, module in list(sys.modules.items()):
        package = name.partition(".")[0]
        if package in WITHOUT_APPLICATIONS or _is_pythons_own(package, module):
            continue
        for value in list(getattr(module, "__dict__", {}).values()):
            if issubclass(type(value), fastapi.FastAPI):  # isinstance would ask a lazy object for its class
                found[id(value)] = value
    return list(found.values())


def _is_pythons_own(package: str, module: ModuleType) -> bool:
    """Whether a module is of the standard library, and not a project's that bears such a name (``platform.py``)."""
    return package in sys.stdlib_module_names and is_library(getattr(module, "__file__", None) or os.__file__)


def _owner_of(scope: Scope) -> Owner:
    if scope["type"] == "lifespan":
        parent = current()
        if parent.kind == "lifespan":  # our client's, which has named it
            return parent
        return Owner(f"the lifespan that {parent.name} started", "lifespan", parent.scope, parent)
    parent = sender()
    if parent.kind == "request":
        return parent
    what = scope.get("method", "websocket").upper()
    return Owner(f"request {what} {scope['path']} of {parent.name}", "request", parent.scope, parent)
