"""A client used as a ``TestClient`` is: what is missing is told as what to write."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Coroutine
from typing import Any
from unittest import mock

import httpx2
import pytest

from hermetic import AsyncTestClient
from hermetic.client import WebSocketSession
from tests.client.apps import echo_messages, hello
from tests.client.conftest import Run
from tests.client.sockets import echo

METHODS = ["get", "options", "head", "post", "put", "patch", "delete"]


def misused(client: AsyncTestClient) -> Any:
    """Return a client whose type does not say what is wrong."""
    return client


@pytest.mark.parametrize("method", METHODS)
def test_a_method_of_the_response_needs_an_await(method: str) -> None:
    """The message is the line to write, and no warning of Python's follows."""
    client = misused(AsyncTestClient(hello))
    with pytest.raises(AttributeError) as caught:
        getattr(client, method)("/").json()
    said = str(caught.value)
    assert said.startswith(f"client.{method}(...) was not awaited, and has no 'json'.")
    assert f"\n\nhint: (await client.{method}(...)).json(...)\n" in said
    assert "async def" in said


def test_so_do_all_the_others() -> None:
    """Attributes, whatever is returned; a key, a loop; and each method that waits."""
    client = misused(AsyncTestClient(hello, authenticate=lambda user: {}))
    request = client.build_request("GET", "/")
    for ask, hint in [
        (lambda: client.get("/").status_code, "hint: (await client.get(...)).status_code\n"),
        (lambda: client.request("GET", "/").text, "hint: (await client.request(...)).text\n"),
        (lambda: client.send(request).content, "hint: (await client.send(...)).content\n"),
        (lambda: client.login("ada").get("/"), "hint: (await client.login(...)).get(...)\n"),
        (lambda: client.get("/")["id"], "hint: (await client.get(...))['id']\n"),
        (lambda: list(client.get("/")), "hint: await client.get(...)\n"),
        (
            lambda: client.websocket_connect("/").receive_json()["id"],
            "(await websocket.receive_json())['id']",
        ),
        (
            lambda: client.websocket_connect("/").receive_text().strip(),
            "(await websocket.receive_text()).strip(...)",
        ),
        (lambda: client.close(), "hint: await client.aclose()"),
    ]:
        with pytest.raises((AttributeError, TypeError)) as caught:
            ask()  # type: ignore[no-untyped-call]
        assert hint in str(caught.value)


def test_what_nothing_has_is_told_as_well() -> None:
    """Whoever only looks whether it is there can still await."""
    pending = misused(AsyncTestClient(hello)).get("/")
    assert not hasattr(pending, "nonsense")
    assert repr(pending) == "<client.get(...), not awaited>"
    assert asyncio.run(pending).text == "hello"
    assert not hasattr(AsyncTestClient(hello), "nonsense")


def test_a_plain_with_or_for_says_which_async_one() -> None:
    """The client, and all that it opens."""
    client = misused(AsyncTestClient(hello))
    for thing, entered, iterated in [
        (client, "async with AsyncTestClient(app) as client:", ""),
        (
            client.stream("GET", "/"),
            "client.stream(...) as response:",
            "async for line in response.aiter_lines():",
        ),
        (client.sse("/"), "async with client.sse(...) as events:", "async for event in events:"),
        (
            client.websocket_connect("/"),
            "async with client.websocket_connect(...) as websocket:",
            "async for message in websocket:",
        ),
    ]:
        with pytest.raises(TypeError, match="plain 'with'") as caught, thing:
            raise AssertionError
        assert f"{entered}\nhint: " in str(caught.value)
        with pytest.raises(TypeError, match="plain 'for'") as caught:
            list(thing)
        assert f"{iterated}\nhint: " in str(caught.value)
    with pytest.raises(AttributeError, match=r"hint: async with client\.stream\(\.\.\.\) as response:"):
        client.stream("GET", "/").iter_lines()


def test_a_stream_is_not_read_by_a_plain_for(run: Run) -> None:
    """Its response says how; one that has been read gives its lines as ever, and can be closed."""

    async def main() -> None:
        client = AsyncTestClient(hello)
        async with client.stream("GET", "/") as response:
            for use in (
                lambda: list(response.iter_lines()),
                response.read,
                lambda: list(response.iter_raw()),
            ):
                with pytest.raises(
                    RuntimeError, match=r"(?s)hint: await response\.aread\(\).*aiter_lines\(\):"
                ):
                    use()
            with pytest.raises(RuntimeError, match=r"hint: await response\.aclose\(\)"):
                response.close()
            assert await response.aread() == b"hello"
            assert list(response.iter_lines()) == ["hello"]
        whole = await client.get("/")
        assert list(whole.iter_lines()) == ["hello"] and list(whole.iter_bytes()) == [b"hello"]
        whole.close()

    run(main())


def test_events_are_not_iterated_over_by_a_plain_for(run: Run) -> None:
    """Nor is one had without an await."""

    async def main() -> None:
        async with AsyncTestClient(hello).sse("/") as events:
            with pytest.raises(TypeError, match="async for event in events:"):
                list(events)
            with pytest.raises(AttributeError, match=r"\(await events\.next\(\)\)\.data"):
                events.next().data  # type: ignore[attr-defined]  # noqa: B018

    run(main())


def test_what_a_method_returns_is_a_coroutine_to_everybody(run: Run) -> None:
    """For asyncio's functions, those that look into it, and those that ask the method beforehand."""

    async def main() -> None:
        client = AsyncTestClient(hello)
        pending = client.get("/")
        assert (
            isinstance(pending, Coroutine) and asyncio.iscoroutine(pending) and inspect.isawaitable(pending)
        )
        assert pending.cr_frame is not None and not pending.cr_running  # type: ignore[attr-defined]
        answers = await asyncio.gather(
            pending,
            asyncio.create_task(client.get("/")),
            asyncio.wait_for(client.get("/"), 30),
            asyncio.ensure_future(client.get("/")),
        )
        assert [answer.text for answer in answers] == ["hello"] * 4
        task = asyncio.create_task(client.request("GET", "/"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run(main())
    asks = inspect.iscoroutinefunction if sys.version_info >= (3, 12) else asyncio.iscoroutinefunction
    client = AsyncTestClient(hello)
    assert all(asks(getattr(client, name)) for name in [*METHODS, "request", "send", "login"])
    assert isinstance(mock.create_autospec(client).get, mock.AsyncMock)


def test_a_method_that_somebody_replaced_is_used(run: Run) -> None:
    """In a class of the project's own, or on one client; each gets what the test said."""
    seen: list[Any] = []

    class Mine(AsyncTestClient):
        async def request(self, method: str, url: Any, **options: Any) -> httpx2.Response:
            seen.append((method, options))
            return await super().request(method, url, **options)

    class Sending(AsyncTestClient):
        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            seen.append(request.method)
            return await super().send(request, **options)

    async def main() -> None:
        await Mine(hello).get("/", params={"a": 1})
        await Sending(hello).delete("/")
        client = AsyncTestClient(hello)
        with mock.patch.object(client, "send", wraps=client.send) as send:
            await client.patch("/", json=[])
        send.assert_called_once()
        with mock.patch.object(client, "request", wraps=client.request) as request:
            await client.get("/")
        request.assert_called_once_with("GET", "/")
        with pytest.raises(AttributeError, match=r"\(await client\.get\(\.\.\.\)\)\.json"):
            misused(Mine(hello)).get("/").json()

    run(main())
    assert seen == [("GET", {"params": {"a": 1}}), "DELETE"]


def test_arguments_are_those_of_httpx2(run: Run) -> None:
    """A GET has no body; what is unusual goes httpx2's way."""

    async def main() -> None:
        client = AsyncTestClient(echo_messages)
        with pytest.raises(TypeError, match=r"get\(\) got an unexpected keyword argument 'json'"):
            await misused(client).get("/", json=1)
        assert (await client.post("/", data={"a": "1"})).text == "a=1"
        assert (await client.put(url="/", content=b"c", timeout=30)).text == "c"
        assert (await client.post("/", json=[1], headers={"x": "1"})).json() == [1]

    run(main())


def test_a_websocket_is_told_too() -> None:
    """Its session's methods, before and after it is open."""

    async def main() -> None:
        async with AsyncTestClient(echo).websocket_connect("/") as websocket:
            await websocket.send_text("x")
            assert isinstance(websocket, WebSocketSession)
            with pytest.raises(TypeError, match=r"\(await websocket\.receive_json\(\)\)\[0\]"):
                misused_session: Any = websocket
                misused_session.receive_json()[0]
            assert await websocket.receive_text() == "x"

    asyncio.run(main())
