"""Websockets: what is sent, what comes back, and how they end."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from hermetic import AsyncTestClient
from hermetic.client import WebSocketSession
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.owners import Owner, current, owned_by
from tests.client.conftest import Run
from tests.client.sockets import ACCEPT, close, echo, says, text


def open_to(app: Any, url: str = "/", **options: Any) -> WebSocketSession:
    """Return a websocket of an application."""
    return AsyncTestClient(app).websocket_connect(url, **options)


def test_text_bytes_and_json_come_back(run: Run) -> None:
    """Each kind of message, both ways."""

    async def main() -> None:
        async with open_to(echo) as websocket:
            await websocket.send_text("ü")
            assert await websocket.receive_text() == "ü"
            await websocket.send_bytes(b"\x00")
            assert await websocket.receive_bytes() == b"\x00"
            await websocket.send_json({"a": ["ü"]})
            assert await websocket.receive_json() == {"a": ["ü"]}
            await websocket.send_json([1], mode="binary")
            assert await websocket.receive_json(mode="binary") == [1]
            await websocket.send({"type": "websocket.receive", "text": "raw"})
            assert await websocket.receive() == {"type": "websocket.send", "text": "raw"}

    run(main())


def test_the_subprotocol_and_headers_of_the_answer_are_there(run: Run) -> None:
    """What the application chose, under Starlette's names."""
    app = says({**ACCEPT, "subprotocol": "b", "headers": [(b"x-a", b"1"), (b"set-cookie", b"c=2")]})

    async def main() -> None:
        client = AsyncTestClient(app)
        async with client.websocket_connect("/", subprotocols=["a", "b"]) as websocket:
            assert websocket.accepted_subprotocol == "b"
            assert websocket.extra_headers == [(b"x-a", b"1"), (b"set-cookie", b"c=2")]
            assert websocket.scope["subprotocols"] == ["a", "b"]
        assert client.cookies["c"] == "2"

    run(main())


def test_the_scope_is_that_of_testclient(run: Run) -> None:
    """With the client's cookies, headers and base URL; a secure one over https."""

    async def main() -> None:
        client = AsyncTestClient(
            echo, "https://h:8", cookies={"c": "1"}, root_path="/r", client=("1.2.3.4", 5)
        )
        async with client.websocket_connect(
            "/a%20b?q=1", headers={"x-a": "1"}, params={"p": "2"}
        ) as websocket:
            scope = websocket.scope
        assert (scope["type"], scope["scheme"], scope["http_version"]) == ("websocket", "wss", "1.1")
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"p=2")
        assert (scope["root_path"], scope["client"], scope["server"]) == ("/r", ("1.2.3.4", 5), ["h", 8])
        assert scope["extensions"] == {"websocket.http.response": {}}
        assert "method" not in scope and scope["subprotocols"] == []
        headers = dict(scope["headers"])
        assert (headers[b"cookie"], headers[b"x-a"], headers[b"connection"]) == (b"c=1", b"1", b"upgrade")
        assert headers[b"sec-websocket-version"] == b"13"

    run(main())


def test_a_url_may_be_of_a_websocket(run: Run) -> None:
    """``ws://`` is taken as it is."""

    async def main() -> None:
        async with open_to(echo, "ws://other/x") as websocket:
            assert websocket.scope["server"] == ["other", 80]

    run(main())


def test_authentication_and_hooks_count(run: Run) -> None:
    """The handshake is a request of the client."""
    seen: list[int] = []

    async def note(response: httpx2.Response) -> None:
        seen.append(response.status_code)

    async def main() -> None:
        client = AsyncTestClient(echo, event_hooks={"response": [note]})
        async with client.websocket_connect("/", auth=("u", "p")) as websocket:
            assert dict(websocket.scope["headers"])[b"authorization"].startswith(b"Basic ")
        assert seen == [101]

    run(main())


def test_an_error_of_a_hook_ends_the_application(run: Run) -> None:
    """A websocket that nobody gets is closed."""

    async def fail(response: httpx2.Response) -> None:
        raise LookupError("hook")

    async def main() -> None:
        client = AsyncTestClient(echo, event_hooks={"response": [fail]})
        with pytest.raises(LookupError, match="hook"):
            async with client.websocket_connect("/"):
                raise AssertionError
        assert client.started_loop is None

    run(main())


def test_iteration_ends_when_the_application_closes(run: Run) -> None:
    """Messages of either kind, until a close in order; the code and reason are kept."""
    app = says(ACCEPT, text("a"), {"type": "websocket.send", "bytes": b"b"}, close(1001, "bye"))

    async def main() -> None:
        async with open_to(app) as websocket:
            assert [message async for message in websocket] == ["a", b"b"]
            assert (websocket.close_code, websocket.close_reason) == (1001, "bye")

    run(main())


def test_iteration_in_one_kind(run: Run) -> None:
    """Starlette's ``iter_text``, ``iter_bytes`` and ``iter_json``."""
    binary = {"type": "websocket.send", "bytes": b"b"}

    async def main() -> None:
        async with open_to(says(ACCEPT, text("a"), close())) as websocket:
            assert [message async for message in websocket.iter_text()] == ["a"]
        async with open_to(says(ACCEPT, binary, close())) as websocket:
            assert [message async for message in websocket.iter_bytes()] == [b"b"]
        async with open_to(says(ACCEPT, text("[1]"), close())) as websocket:
            assert [message async for message in websocket.iter_json()] == [[1]]

    run(main())


def test_iteration_raises_when_something_is_wrong(run: Run) -> None:
    """A close code that is not one of order is told."""

    async def main() -> None:
        async with open_to(says(ACCEPT, close(1011, "broken"))) as websocket:
            with pytest.raises(WebSocketDisconnect) as caught:
                [message async for message in websocket]
        assert (caught.value.code, caught.value.reason) == (1011, "broken")

    run(main())


def test_the_close_of_the_application_is_a_message_then_an_error(run: Run) -> None:
    """``receive`` gives the raw message once; what waits after it is told at once, with the same code."""

    async def main() -> None:
        async with open_to(says(ACCEPT, close(4000, "why"))) as websocket:
            assert (await websocket.receive())["type"] == "websocket.close"
            for attempt in (websocket.receive(), websocket.send_text("x")):
                with pytest.raises(WebSocketDisconnect) as caught:
                    await attempt
                assert (caught.value.code, caught.value.reason) == (4000, "why")

    run(main())


def test_an_application_that_returns_has_closed_abnormally(run: Run) -> None:
    """As behind uvicorn, which drops the connection; what it had sent arrives first."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await send(text("last"))

    async def main() -> None:
        async with open_to(app) as websocket:
            assert await websocket.receive_text() == "last"
            with pytest.raises(WebSocketDisconnect) as caught:
                await websocket.receive_text()
        assert caught.value.code == 1006
        assert "without closing" in caught.value.__notes__[0]

    run(main())


def test_the_application_learns_how_the_client_closed(run: Run) -> None:
    """Messages before the close come first; the code and the reason are those of the test; asked again, they stay."""
    heard: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])
        await send(ACCEPT)
        for _ in range(3):
            heard.append({**await receive()})

    async def main() -> None:
        async with open_to(app) as websocket:
            await websocket.send_text("x")
            await websocket.close(3001, "enough")
            await websocket.close(3002)
            with pytest.raises(WebSocketDisconnect) as caught:
                await websocket.receive()
            assert caught.value.code == 3001
            with pytest.raises(WebSocketDisconnect):
                await websocket.send_text("late")
        left = {"type": "websocket.disconnect", "code": 3001, "reason": "enough"}
        assert heard == ["websocket.connect", {"type": "websocket.receive", "text": "x"}, left, left]

    run(main())


def test_leaving_the_block_closes_normally(run: Run) -> None:
    """The application gets its disconnect, and has ended when the test goes on."""
    heard: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        heard.append(await receive())
        await asyncio.sleep(0.01)
        heard.append("cleaned up")

    async def main() -> None:
        async with open_to(app):
            pass
        assert heard == [{"type": "websocket.disconnect", "code": 1000, "reason": ""}, "cleaned up"]

    run(main())


def test_a_send_to_a_client_that_left_is_an_error(run: Run) -> None:
    """Starlette makes a disconnect of it, as behind uvicorn."""
    seen: list[int] = []
    api = FastAPI()

    @api.websocket("/")
    async def publish(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text("tick")
        except WebSocketDisconnect as left:
            seen.append(left.code)

    async def main() -> None:
        async with open_to(api) as websocket:
            assert await websocket.receive_text() == "tick"
        assert seen == [1006]

    run(main())


def test_an_application_runs_ahead_by_a_servers_buffer(run: Run) -> None:
    """It goes on after a greeting that nobody has read, and stops before it fills the memory."""
    sent: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        for number in range(1000):
            await send({"type": "websocket.send", "bytes": bytes(1008)})
            sent.append(number)

    async def main() -> None:
        async with open_to(app) as websocket:
            for _ in range(5):
                await asyncio.sleep(0)
            assert len(sent) == 64
            await websocket.receive_bytes()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(sent) == 65

    run(main())


def test_the_application_hears_of_its_own_close(run: Run) -> None:
    """Code 1005, as behind uvicorn; what the test still sent is lost."""
    heard: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(ACCEPT)
        await receive()
        await send(close(4001))
        heard.append(await receive())

    async def main() -> None:
        async with open_to(app) as websocket:
            with pytest.raises(WebSocketDisconnect):
                await websocket.receive_text()
        assert heard == [{"type": "websocket.disconnect", "code": 1005, "reason": ""}]

    run(main())


def test_many_are_open_at_once(run: Run) -> None:
    """A hundred, each with a path of its own."""

    async def main() -> None:
        client = AsyncTestClient(echo)
        sessions = [client.websocket_connect(f"/{number}") for number in range(100)]
        opened = await asyncio.gather(*(session.__aenter__() for session in sessions))
        for number, websocket in enumerate(opened):
            await websocket.send_text(str(number))
        assert await asyncio.gather(*(each.receive_text() for each in opened)) == [str(n) for n in range(100)]
        assert [each.scope["path"] for each in opened] == [f"/{number}" for number in range(100)]
        await asyncio.gather(*(session.__aexit__() for session in sessions))

    run(main())


def test_entering_and_leaving_in_different_tasks_works(run: Run) -> None:
    """pytest-asyncio sets a fixture up in one task and tears it down in another."""

    async def main() -> None:
        websocket = open_to(echo)
        await asyncio.create_task(websocket.__aenter__())
        await asyncio.create_task(websocket.send_text("x"))
        assert await websocket.receive_text() == "x"
        await asyncio.create_task(websocket.__aexit__())

    run(main())


def test_closing_the_client_closes_its_websockets(run: Run) -> None:
    """One that was forgotten is left, once."""

    async def main() -> None:
        client = AsyncTestClient(echo)
        websocket = await client.websocket_connect("/").__aenter__()
        assert client.started_loop is asyncio.get_running_loop()
        await client.aclose()
        assert client.started_loop is None
        await websocket.__aexit__()

    run(main())


def test_a_session_that_is_not_open_says_so(run: Run) -> None:
    """Starlette's is the same: it is a context manager."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="'async with"):
            await open_to(echo).send_text("x")

    run(main())


def test_what_a_websocket_makes_belongs_to_it(run: Run) -> None:
    """Its owner's parent is whoever opened it."""
    seen: list[Owner] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current())
        await echo(scope, receive, send)

    async def main() -> None:
        with owned_by(Owner("t", "test", "function")) as test:
            async with open_to(app, "/ws"):
                pass
        assert (seen[0].name, seen[0].kind, seen[0].parent) == ("websocket /ws", "request", test)

    run(main())
