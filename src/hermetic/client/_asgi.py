"""What the client says to an application, and calls it: ASGI types, scopes, and version 2 made version 3.

The scopes are those of Starlette's ``TestClient`` with two differences, both towards what servers send: the key
``asgi`` is there, as the specification asks, and a path is percent-decoded once (``TestClient`` decodes it twice).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGI3App = Callable[[Scope, Receive, Send], Awaitable[None]]
ASGI2App = Callable[[Scope], Callable[[Receive, Send], Awaitable[None]]]
ASGIApp = ASGI3App | ASGI2App

# Below 2.4 a send to a client that disconnected does nothing, as here; from 2.4 on it would raise OSError.
ASGI_VERSION = {"version": "3.0", "spec_version": "2.3"}


def as_asgi3(app: ASGIApp) -> ASGI3App:
    """Return the application as a version 3 callable, whichever version it is written for."""
    if _is_asgi3(app):
        return app  # type: ignore[return-value]
    version2: ASGI2App = app  # type: ignore[assignment]

    async def version3(scope: Scope, receive: Receive, send: Send) -> None:
        __tracebackhide__ = True
        await version2(scope)(receive, send)

    return version3


def _is_asgi3(app: ASGIApp) -> bool:
    """Tell by the rules of Starlette and uvicorn; a plain function that cannot take one argument is version 3 too."""
    if inspect.isclass(app):
        return hasattr(app, "__await__")
    target: Any = app
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(target.__call__):
        return True
    try:
        inspect.signature(app).bind(object())
    except TypeError:
        return True
    return False


def name_of(app: object) -> str:
    """Return what a message calls an application: its title where it has one, as FastAPI's do."""
    name = getattr(app, "title", None) or getattr(app, "__qualname__", None)
    return repr(name) if isinstance(name, str) else type(app).__name__
