"""Applications of either ASGI version."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hermetic import AsyncTestClient
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.apps import body, hello, start
from tests.client.conftest import Run


class Version2:
    """A class whose instances answer: version 2 as it was usual."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Answer."""
        await hello(self.scope, receive, send)


def version2(scope: Scope) -> Callable[[Receive, Send], Awaitable[None]]:
    """Answer by a function of a function."""
    return functools.partial(hello, scope)


class Version3:
    """An object that is called: version 3 as frameworks have it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await hello(scope, receive, send)


class AwaitableClass:
    """A class whose instances are awaited: version 3 all the same."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._arguments = scope, receive, send

    def __await__(self) -> Any:
        """Answer."""
        return hello(*self._arguments).__await__()


def plain(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """Return the coroutine of another: version 3 that does not look like it."""
    return hello(scope, receive, send)


def with_default(scope: Scope, receive: Receive, send: Send, greeting: str = "hello") -> Awaitable[None]:
    """Take one argument more than an application is given."""
    return hello(scope, receive, send)


@pytest.mark.parametrize(
    "app",
    [
        hello,
        Version2,
        version2,
        Version3(),
        AwaitableClass,
        plain,
        functools.partial(hello),
        functools.partial(with_default, greeting="hi"),
    ],
)
def test_every_shape_of_application_answers(run: Run, app: Any) -> None:
    """Nobody has to say which version an application is written for."""

    async def main() -> None:
        async with AsyncTestClient(app) as client:
            assert (await client.get("/")).text == "hello"
            assert client.app is app

    run(main())


def test_headers_of_any_kind_arrive(run: Run) -> None:
    """A header is bytes, says the specification; what some send besides is copied or encoded, as servers do."""
    value = bytearray(b"copied")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers: Any = [("x-text", "ü"), (memoryview(b"x-view"), value)]
        await start(send, headers=headers)
        value[:] = b"change"
        await body(send)

    async def main() -> None:
        response = await AsyncTestClient(app).get("/")
        assert response.headers.raw == [(b"x-text", "ü".encode("latin-1")), (b"x-view", b"copied")]

    run(main())
