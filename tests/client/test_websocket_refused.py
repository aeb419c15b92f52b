"""Websockets that go wrong: refused, timed out, ended by an error or by a breach of the protocol."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.testclient import WebSocketDenialResponse as StarlettesDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from hermetic import AsyncTestClient
from hermetic.client import WebSocketDenialResponse
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.client._websocket_task import _class_with
from tests.client.conftest import Run
from tests.client.sockets import ACCEPT, close, echo, says, text


async def refused(app: Any, **options: Any) -> BaseException:
    """Return what connecting to an application raises."""
    with pytest.raises(BaseException) as caught:
        async with AsyncTestClient(app, **options).websocket_connect("/"):
            raise AssertionError("it was accepted")
    return caught.value


def test_a_close_without_accepting_is_a_disconnect(run: Run) -> None:
    """With its code and reason, as with TestClient."""

    async def main() -> None:
        error = await refused(says(close(4003, "no")))
        assert isinstance(error, WebSocketDisconnect) and not isinstance(error, httpx2.Response)
        assert (error.code, error.reason) == (4003, "no")

    run(main())


def test_a_denial_response_is_raised(run: Run) -> None:
    """It is a response, a disconnect, and of TestClient's class too."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        await websocket.send_denial_response(JSONResponse({"a": 1}, 401, headers={"x-a": "b"}))

    async def main() -> None:
        error = await refused(app)
        assert isinstance(error, WebSocketDenialResponse)
        assert isinstance(error, StarlettesDenialResponse)
        assert isinstance(error, WebSocketDisconnect)
        assert (error.status_code, error.json(), error.headers["x-a"]) == (401, {"a": 1}, "b")

    run(main())


def test_a_denial_response_may_come_in_pieces(run: Run) -> None:
    """Its body is whole in the end."""
    start = {"type": "websocket.http.response.start", "status": 403, "headers": []}
    piece = {"type": "websocket.http.response.body", "body": b"a", "more_body": True}

    async def main() -> None:
        error = await refused(says(start, piece, {**piece, "more_body": False}))
        assert isinstance(error, WebSocketDenialResponse) and error.content == b"aa"

    run(main())


def test_without_a_class_of_starlette_it_is_ours_alone() -> None:
    """An old one is of httpx, and another library's response is no base for it."""
    assert _class_with(None) is _class_with(int) is WebSocketDenialResponse


def test_without_starlette_there_is_a_disconnect_of_our_own() -> None:
    """The client runs any ASGI application, and so needs no Starlette."""
    script = (
        "import sys; sys.modules['starlette'] = None\n"
        "from hermetic.client import WebSocketDisconnect\n"
        "error = WebSocketDisconnect(4000)\n"
        "print(error.code, repr(error.reason), error)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["4000", "''", "(4000,", "None)"]


@pytest.mark.parametrize("messages", [[], [ACCEPT], [ACCEPT, text("x")]])
def test_the_applications_error_arrives_where_the_test_waits(run: Run, messages: list[Any]) -> None:
    """The same object: at the handshake, or after what was sent before it; and once."""
    error = LookupError("here")

    async def main() -> None:
        with pytest.raises(LookupError) as caught:
            async with AsyncTestClient(says(*messages, error=error)).websocket_connect("/") as websocket:
                for _ in range(len(messages)):
                    await websocket.receive_text()
        assert caught.value is error
        assert not hasattr(error, "__notes__")

    run(main())


def test_an_error_is_raised_at_the_next_send(run: Run) -> None:
    """A test that only sends hears of it too."""

    async def main() -> None:
        with pytest.raises(LookupError, match="here"):
            async with AsyncTestClient(says(ACCEPT, error=LookupError("here"))).websocket_connect(
                "/"
            ) as websocket:
                await asyncio.sleep(0)
                await websocket.send_text("x")

    run(main())


def test_an_error_is_raised_at_the_end_of_the_block(run: Run) -> None:
    """A test that does not wait hears of it as it leaves."""

    async def main() -> None:
        with pytest.raises(LookupError, match="here"):
            async with AsyncTestClient(says(ACCEPT, error=LookupError("here"))).websocket_connect("/"):
                pass

    run(main())


def test_the_tests_own_error_wins(run: Run) -> None:
    """What the application raises as the block is left is a note on it."""

    async def main() -> None:
        with pytest.raises(AssertionError, match="of the test") as caught:
            async with AsyncTestClient(says(ACCEPT, error=LookupError("here"))).websocket_connect("/"):
                raise AssertionError("of the test")
        assert "LookupError('here')" in caught.value.__notes__[0]

    run(main())


def test_errors_can_be_left_to_the_application(run: Run) -> None:
    """``raise_server_exceptions=False`` gives what a server would: 500, or a connection that drops."""

    async def main() -> None:
        for messages in ([], [{"type": "websocket.http.response.start", "status": 400}]):
            error = await refused(says(*messages, error=ValueError("v")), raise_server_exceptions=False)
            assert isinstance(error, WebSocketDenialResponse) and error.status_code == 500
        client = AsyncTestClient(says(ACCEPT, error=ValueError("v")), raise_server_exceptions=False)
        async with client.websocket_connect("/") as websocket:
            with pytest.raises(WebSocketDisconnect) as caught:
                await websocket.receive()
            assert caught.value.code == 1006

    run(main())


def test_no_answer_is_an_error(run: Run) -> None:
    """An application that returns without one is told so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def main() -> None:
        error = await refused(app)
        assert isinstance(error, AssertionError)
        assert "websocket /: the application ended without any answer" in str(error)

    run(main())


def test_a_receive_that_takes_too_long_says_where_the_application_waits(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of the call, of the websocket or of the client; the websocket can be used on."""
    timeout = asyncio.timeout

    @contextmanager
    def shortened() -> Iterator[None]:
        """Let limits pass at once: a limit that is short for the handshake as well is too short on a busy machine."""
        with monkeypatch.context() as patch:
            patch.setattr("asyncio.timeout", lambda seconds: timeout(seconds / 10_000))
            yield

    async def main() -> None:
        client = AsyncTestClient(echo, timeout=200)
        async with client.websocket_connect("/") as websocket:
            with shortened(), pytest.raises(httpx2.ReadTimeout, match=r"(?s)websocket /: .*200 s.*in echo"):
                await websocket.receive_text()
            with pytest.raises(httpx2.ReadTimeout, match=r"0\.02 s"):
                await websocket.receive_text(timeout=0.02)
            await websocket.send_text("x")
            assert await websocket.receive_text() == "x"
        async with client.websocket_connect("/", timeout=300) as websocket:
            with shortened(), pytest.raises(httpx2.ReadTimeout, match=r"300 s"):
                await websocket.receive()

    run(main())


def test_a_handshake_that_takes_too_long_ends_the_application(run: Run) -> None:
    """The limit of the client; nothing is left running."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        error = await refused(app, timeout=0.01)
        assert isinstance(error, httpx2.ReadTimeout) and "in app" in str(error)

    run(main())


def test_a_cancelled_receive_loses_nothing(run: Run) -> None:
    """The message is there for the next one."""

    async def main() -> None:
        async with AsyncTestClient(echo).websocket_connect("/") as websocket:
            waiting = asyncio.create_task(websocket.receive_text())
            await asyncio.sleep(0)
            waiting.cancel()
            await websocket.send_text("x")
            assert await websocket.receive_text() == "x"
            with pytest.raises(asyncio.CancelledError):
                await waiting

    run(main())


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([ACCEPT, ACCEPT], 'multiple "websocket.accept"'),
        ([text("x")], 'without "websocket.accept"'),
        ([{"type": "websocket.http.response.body"}], "without"),
        ([{"type": "websocket.http.response.start", "status": 1}] * 2, "multiple"),
    ],
)
def test_a_breach_of_the_protocol_is_the_applications_error(
    run: Run, messages: list[Any], message: str
) -> None:
    """It is raised where the application made it."""

    async def main() -> None:
        with pytest.raises(AssertionError, match=message):
            async with AsyncTestClient(says(*messages)).websocket_connect("/") as websocket:
                await websocket.receive()

    run(main())


@pytest.mark.parametrize("late", [text("x"), {"type": "websocket.http.response.start", "status": 1}])
def test_what_comes_too_late_is_the_applications_error(run: Run, late: dict[str, Any]) -> None:
    """After its own close, or a denial after it accepted."""
    messages = [ACCEPT, close(), late] if "text" in late else [ACCEPT, late]

    async def main() -> None:
        with pytest.raises(AssertionError, match="after"):
            async with AsyncTestClient(says(*messages)).websocket_connect("/"):
                pass

    run(main())
