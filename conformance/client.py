"""A ``TestClient`` all of whose methods are those of ``AsyncTestClient``, for suites that are written for the first.

Nothing of Starlette's is left: the client under test builds and sends requests, follows redirects and keeps cookies;
streams and websockets are its own. Each call runs in a portal's thread: in the client's own one inside ``with``, else
in one that lasts as long as what it opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, Self

import anyio.from_thread
import httpx2
from anyio.from_thread import BlockingPortal

from hermetic import AsyncTestClient

OWN = ("inner", "portal", "exit_stack")


class Client:
    """An ``AsyncTestClient`` whose methods block; its arguments are those of Starlette's ``TestClient``."""

    __test__ = False

    def __init__(
        self,
        app: Any,
        base_url: str = "http://testserver",
        raise_server_exceptions: bool = True,
        root_path: str = "",
        backend: str = "asyncio",
        backend_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.inner = AsyncTestClient(app, base_url, raise_server_exceptions, root_path, **options)
        self.portal: BlockingPortal | None = None

    def __getattr__(self, name: str) -> Any:
        """Give an attribute of the client under test, blocking where it would be awaited."""
        found = getattr(self.inner, name)
        return (
            partial(self._call, found) if callable(found) and name not in ("app", "build_request") else found
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of the client under test."""
        if name in OWN:
            super().__setattr__(name, value)
        else:
            setattr(self.inner, name, value)

    def __enter__(self) -> Self:
        """Start the application."""
        with ExitStack() as stack:
            self.portal = stack.enter_context(anyio.from_thread.start_blocking_portal("asyncio"))
            stack.callback(setattr, self, "portal", None)
            self._call(self.inner.__aenter__)
            stack.callback(self._call, self.inner.__aexit__)
            self.exit_stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        """End the application."""
        self.exit_stack.close()

    def close(self) -> None:
        """Close the client under test."""
        self._call(self.inner.aclose)

    @contextmanager
    def stream(self, *arguments: Any, **options: Any) -> Iterator[Response]:
        """Open a response, to be read piece by piece."""
        with self._open(self.inner.stream(*arguments, **options)) as (portal, response):
            yield Response(portal, response)

    def websocket_connect(self, *arguments: Any, **options: Any) -> Session:
        """Return a websocket, to be opened by ``with``."""
        return Session(self._open(self.inner.websocket_connect(*arguments, **options)))

    @contextmanager
    def _open(self, opened: AbstractAsyncContextManager[Any]) -> Iterator[tuple[BlockingPortal, Any]]:
        with self._a_portal() as portal, portal.wrap_async_context_manager(opened) as inner:
            yield portal, inner

    @contextmanager
    def _a_portal(self) -> Iterator[BlockingPortal]:
        if self.portal is not None:
            yield self.portal
        else:
            with anyio.from_thread.start_blocking_portal("asyncio") as portal:
                yield portal

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        with self._a_portal() as portal:
            return portal.call(partial(function, *arguments, **options))


class Response:
    """An open response whose methods block."""

    def __init__(self, portal: BlockingPortal, response: httpx2.Response) -> None:
        self._portal = portal
        self._response = response

    def __getattr__(self, name: str) -> Any:
        """Give an attribute, or the blocking form of a method."""
        if name.startswith("iter_"):
            return partial(self._iterate, getattr(self._response, f"a{name}"))
        if name in ("read", "close"):
            return partial(self._portal.call, getattr(self._response, f"a{name}"))
        return getattr(self._response, name)

    def _iterate(self, method: Callable[..., Any], *arguments: Any) -> Iterator[Any]:
        pieces = aiter(method(*arguments))
        end = object()

        async def following() -> Any:
            return await anext(pieces, end)

        while (piece := self._portal.call(following)) is not end:
            yield piece


class Session:
    """A websocket whose methods block."""

    def __init__(self, opening: Any) -> None:
        self._opening = opening

    def __enter__(self) -> Self:
        """Open it."""
        self._portal, self._session = self._opening.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        """Leave it."""
        return self._opening.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        """Give an attribute of the session, blocking where it would be awaited."""
        found = getattr(self._session, name)
        return partial(self._call, found) if callable(found) else found

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return self._portal.call(partial(function, *arguments, **options))
