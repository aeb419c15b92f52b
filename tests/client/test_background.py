"""Background tasks: awaited, or left to themselves until the test drains them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hermetic import AsyncTestClient
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.owners import Owner, owned_by
from tests.client.apps import endless, hello
from tests.client.conftest import Run


class Working:
    """An application that works on after its response until it is let go."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.done: list[str] = []
        self.go = asyncio.Event()
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await hello(scope, receive, send)
        await self.go.wait()
        self.done.append(scope["path"])
        if self._error is not None:
            raise self._error


def test_they_are_awaited(run: Run) -> None:
    """When the response is there, they are over."""
    app = Working()
    app.go.set()

    async def main() -> None:
        await AsyncTestClient(app).get("/a")
        assert app.done == ["/a"]

    run(main())


def test_detached_they_follow_the_response(run: Run) -> None:
    """The response is there before them; ``drain`` waits for all, once."""
    app = Working()

    async def main() -> None:
        client = AsyncTestClient(app, background="detach")
        assert (await client.get("/a")).text == "hello"
        assert (await client.get("/b")).text == "hello"
        assert app.done == []
        assert client.started_loop is asyncio.get_running_loop()
        app.go.set()
        await client.drain()
        assert sorted(app.done) == ["/a", "/b"]
        assert client.started_loop is None
        await client.drain()

    asyncio.run(main())


def test_detached_they_may_end_by_themselves(run: Run) -> None:
    """Then there is nothing to drain."""
    app = Working()

    async def main() -> None:
        client = AsyncTestClient(app, background="detach")
        await client.get("/a")
        app.go.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert app.done == ["/a"]
        assert client.started_loop is None

    asyncio.run(main())


@pytest.mark.parametrize("drained", [True, False])
def test_an_error_of_a_detached_one_is_raised_where_it_is_waited_for(run: Run, drained: bool) -> None:
    """By ``drain``, or else as the client is closed: it is not lost."""
    app = Working(LookupError("later"))
    app.go.set()

    async def main() -> None:
        client = AsyncTestClient(app, background="detach")
        await client.get("/a")
        with pytest.raises(LookupError, match="later"):
            await (client.drain() if drained else client.aclose())
        await client.aclose()

    run(main())


def test_a_detached_one_that_has_ended_already_is_not_waited_for(run: Run) -> None:
    """An application without background tasks leaves nothing open."""

    async def main() -> None:
        client = AsyncTestClient(hello, background="detach")
        assert (await client.get("/")).text == "hello"
        await asyncio.sleep(0)
        assert client.started_loop is None

    run(main())


def test_a_response_that_is_left_is_not_detached(run: Run) -> None:
    """It is incomplete: the application is told, as ever."""

    async def main() -> None:
        client = AsyncTestClient(endless, background="detach")
        async with client.stream("GET", "/"):
            pass
        assert client.started_loop is None

    run(main())


class Starting:
    """An application that starts a task in each request, and does not wait for it."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.tasks.append(asyncio.create_task(self._work()))
        await hello(scope, receive, send)


async def takes_a_while() -> None:
    """Take some turns of the loop."""
    for _ in range(50):
        await asyncio.sleep(0)


async def takes_for_ever() -> None:
    """Never end."""
    await asyncio.Event().wait()


def test_tasks_that_requests_started_are_drained() -> None:
    """Those of the sender's own requests; what somebody else's started is theirs."""
    app, others = Starting(takes_a_while), Starting(takes_for_ever)

    async def main() -> None:
        client = AsyncTestClient(app)
        await client.get("/a")
        await client.get("/b")
        with owned_by(Owner("another", "test", "function")):
            await AsyncTestClient(others).get("/")
        mine = asyncio.create_task(takes_for_ever())
        with owned_by(Owner("test", "test", "function")):
            await client.drain()
        assert not any(task.done() for task in app.tasks)
        for task in others.tasks:
            task.cancel()
        await client.drain(timeout=None)
        assert all(task.done() for task in app.tasks)
        mine.cancel()

    asyncio.run(main())


def test_a_task_that_goes_on_is_named() -> None:
    """With the line where it waits."""
    app = Starting(takes_for_ever)

    async def main() -> None:
        client = AsyncTestClient(app)
        await client.get("/")
        with pytest.raises(TimeoutError, match=r"takes_for_ever, at .*test_background\.py:\d+"):
            await client.drain(timeout=0)
        app.tasks[0].cancel()

    asyncio.run(main())
