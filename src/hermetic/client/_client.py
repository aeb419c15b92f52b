"""``AsyncTestClient``: what Starlette's ``TestClient`` can do, awaited, and what it cannot."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from math import inf
from typing import TYPE_CHECKING, Any, Self, cast

import httpx2

from hermetic import owners, tasks
from hermetic.client._await_hints import hinted, hinted_context
from hermetic.client._base import Authenticate, InLoopClient
from hermetic.client._overrides import overriding
from hermetic.client._sse import EventStream
from hermetic.client._websocket import WebSocketSession, handshake
from hermetic.errors import ClientUsageError
from hermetic.owners import Owner

if TYPE_CHECKING:
    from hermetic.client._httpx2 import HeaderTypes, TimeoutTypes, UseClientDefault

DRAIN_TIMEOUT = 10.0
"""Seconds."""

MAX_EVENT_SIZE = 1024 * 1024
"""Bytes."""


class AsyncTestClient(InLoopClient):
    """Call an ASGI application in the test's own event loop.

    Each request runs the application in a task of its own, with a copy of the test's context, and the response is
    there when it starts: ``client.stream(...)`` gives the body as it is sent. Its arguments mean what they mean to
    Starlette's ``TestClient``; the responses are ``httpx2.Response``. It can be made with no loop running, used in one
    loop after another, and used again after it was closed. Only ``async with`` runs the application's lifespan.

    Args:
        app: The ASGI application, of version 2 or 3.
        base_url: What relative URLs are resolved against.
        raise_server_exceptions: Raise the application's exceptions, as it raised them; False gives responses with
            status 500 instead.
        root_path: Where the application is said to be mounted.
        cookies: Cookies to send with every request.
        headers: Headers to send with every request; ``user-agent`` is ``testclient`` unless given.
        follow_redirects: Whether redirects are followed.
        client: The host and port that requests are said to come from.
        lifespan: A lifespan of the application that others share. Requests get its state; entering this client
            starts it if need be; ending it is left to whoever made it.
        auth: Authentication for every request.
        params: Query parameters for every request.
        timeout: Seconds to wait for the start of a response and for each chunk of it; none by default, as with
            ``TestClient``.
        max_redirects: How many redirects are followed.
        event_hooks: Functions to call with each request and response.
        default_encoding: The encoding of text responses that name none.
        http_version: The version of HTTP that requests are said to use.
        asgi_extensions: ASGI extensions to offer besides those of ``TestClient``: ``http.response.pathsend``,
            ``http.response.early_hint``.
        background: ``"await"`` has a response wait for the application's background tasks; with ``"detach"`` it is
            there before them, and ``drain`` waits.
        lifespan_context: Whether requests see the context variables that the lifespan set; servers do not do so.
        authenticate: How a client becomes a user's, for ``as_user`` and ``login``; the fixture ``hermetic_auth``.

    Example:
        >>> import asyncio
        >>> from hermetic import AsyncTestClient
        >>> async def app(scope, receive, send):
        ...     await send({"type": "http.response.start", "status": 200, "headers": []})
        ...     await send({"type": "http.response.body", "body": b"hello"})
        >>> async def main():
        ...     async with AsyncTestClient(app) as client:
        ...         return (await client.get("/")).text
        >>> asyncio.run(main())
        'hello'
    """

    def websocket_connect(
        self, url: httpx2.URL | str, subprotocols: Sequence[str] | None = None, **options: Any
    ) -> WebSocketSession:
        """Return a websocket, to be opened by ``async with``.

        Args:
            url: Where; relative to the client's base URL.
            subprotocols: The subprotocols to offer.
            options: Arguments of a request: ``headers``, ``cookies``, ``params``, ``timeout``, ``auth``.

        Example:
            >>> async def chat(client):
            ...     async with client.websocket_connect("/ws") as websocket:
            ...         await websocket.send_text("hello")
            ...         return await websocket.receive_text(timeout=1)
        """
        return WebSocketSession(lambda: handshake(self, url, subprotocols, options))

    @hinted_context("async with client.sse(...) as events:", "async for event in events:")
    @asynccontextmanager
    async def sse(  # type: ignore[override]  # what it gives says less: that it is entered
        self,
        url: httpx2.URL | str,
        *,
        method: str = "GET",
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = httpx2.USE_CLIENT_DEFAULT,
        max_event_size: int | None = MAX_EVENT_SIZE,
        **options: Any,
    ) -> AsyncIterator[EventStream]:
        """Connect to a stream of server-sent events.

        Args:
            url: Where; relative to the client's base URL.
            method: The request's method.
            headers: The request's headers.
            timeout: Seconds to wait for the response, and for each event; None for ever; by default the client's.
            max_event_size: How many bytes an event may have.
            options: Other arguments of a request.

        Example:
            >>> async def first(client):
            ...     async with client.sse("/events", timeout=1) as events:
            ...         async for event in events:
            ...             return event.data
        """
        __tracebackhide__ = True
        limit = self.timeout if timeout is httpx2.USE_CLIENT_DEFAULT else httpx2.Timeout(cast(Any, timeout))
        accept = {"accept": "text/event-stream", "cache-control": "no-store"} | httpx2.Headers(headers)
        async with self.stream(method, url, headers=accept, timeout=limit, **options) as response:
            task = self._in_loop.task_of(response.request)
            if task is not None:
                task.read_timeout = None
            events = EventStream(response, max_event_size, limit.read, task)
            try:
                yield events
            finally:
                await events.aclose()

    def override(
        self, dependency: Callable[..., Any], replacement: Callable[..., Any]
    ) -> AbstractContextManager[None]:
        """Call ``replacement`` instead of a dependency of the application, inside a ``with`` block.

        Args:
            dependency: What the application names in ``Depends``.
            replacement: What is called instead; it may have dependencies of its own, be async, or a generator.
        """
        return overriding(self.app, dependency, replacement)

    def replace_dependencies(self, values: Mapping[Callable[..., Any], Any]) -> None:
        """Give these values instead of dependencies, for the requests of this client alone."""
        options = self._in_loop.options
        self._in_loop.options = dataclasses.replace(options, overrides={**options.overrides, **values})

    def as_user(self, user: Any) -> Self:
        """Return another client, for the same application and lifespan, that is this user's.

        ``hermetic_auth`` says how; this client stays as it is. The other is closed with this one.

        Raises:
            ConfigurationError: Nobody has said how, or it needs a request: ``login``.
        """
        hook = self._authentication()
        if inspect.iscoroutinefunction(hook):
            raise ClientUsageError(
                "hermetic_auth is async, so a client must be logged in.",
                hints=("client = await client.login(...)",),
            )
        other = self._another()
        other._become(hook(user))
        return other

    @hinted("client.login(...)")
    async def login(self, *credentials: Any, **named: Any) -> Self:
        """Return another client, as ``as_user`` does, by a ``hermetic_auth`` that may send requests.

        Raises:
            ConfigurationError: Nobody has said how.
        """
        __tracebackhide__ = True
        hook = self._authentication()
        other = self._another()
        if inspect.iscoroutinefunction(hook):
            other._become(await hook(other, *credentials, **named))
        else:
            other._become(hook(*credentials, **named))
        return other

    def _authentication(self) -> Authenticate:
        if self.authenticate is None:
            raise ClientUsageError(
                "Nobody has said how a client becomes a user's.",
                hints=(
                    "in conftest.py: a fixture hermetic_auth that returns a function of the user",
                    'for a bearer token: lambda user: {"Authorization": f"Bearer {token_of(user)}"}',
                    "for a dependency: lambda user: {get_current_user: user}",
                    "without the fixtures: AsyncTestClient(app, authenticate=...)",
                ),
            )
        return self.authenticate

    def _become(self, identity: Any) -> None:
        """Make this client a user's; None is for what the cookies say that its requests have set."""
        if isinstance(identity, httpx2.Cookies):
            self.cookies.update(identity)
        elif isinstance(identity, Mapping) and all(isinstance(key, str) for key in identity):
            self.headers.update(identity)
        elif isinstance(identity, Mapping):
            self.replace_dependencies(identity)
        elif identity is not None:
            self.auth = identity

    async def drain(self, *, timeout: float | None = DRAIN_TIMEOUT) -> None:
        """Wait for the work that requests started and that no response waited for.

        That is what an endpoint gives to ``asyncio.create_task`` or to a broker in memory, and the background tasks of
        responses that were there before them (``background="detach"``).

        Args:
            timeout: Seconds to wait for tasks that requests started; None for ever.

        Raises:
            TimeoutError: Such a task goes on; names it, and where it waits.
            BaseException: What the first background task raised.
        """
        __tracebackhide__ = True
        await self._in_loop.drain()
        await _wait_for_tasks(owners.current(), timeout)


async def _wait_for_tasks(sender: Owner, timeout: float | None) -> None:
    """Wait for the tasks that a sender's requests started in the running loop.

    A library's task that waits for nothing in particular (a pool's worker, opened by the first request that needed it)
    ends with no request: it is not waited for.

    Args:
        sender: Who sent the requests.
        timeout: Seconds to wait; None for ever.

    Raises:
        TimeoutError: One goes on; names each, and where it waits.
    """
    __tracebackhide__ = True
    ours = asyncio.current_task()

    def running() -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks() if task is not ours and _is_work(task, sender)]

    if not await tasks.turn_until(lambda: not running(), inf if timeout is None else timeout):
        where = "\n".join(f"  {tasks.name_of(task)}, at {tasks.place_of(task)}" for task in running())
        raise TimeoutError(f"after {timeout} s these tasks, which requests started, still run:\n{where}")


def _is_work(task: asyncio.Task[Any], sender: Owner) -> bool:
    owner = tasks.owner_of(task)
    if owner is None or owner.kind != "request" or not owner.is_within(sender) or tasks.is_ours(task):
        return False
    return tasks.is_of_the_project(task) or tasks.is_about_to_run(task)
