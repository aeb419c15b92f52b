"""How a response ends: read, left, cancelled, and what the application hears of it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import anyio
import pytest

from hermetic import AsyncTestClient
from hermetic.client import _app_task
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.apps import START, Recorder, endless, hello, sends, start
from tests.client.conftest import Run


def test_an_endless_response_can_be_left(run: Run) -> None:
    """Leaving ends an application that sends for ever."""

    async def main() -> None:
        client = AsyncTestClient(endless)
        async with client.stream("GET", "/") as response, aclosing(response.aiter_raw()) as chunks:
            assert [await anext(chunks) for _ in range(3)] == [b"x"] * 3

    run(main())


def test_an_application_that_is_left_is_told_first(run: Run) -> None:
    """One that listens ends by itself, and is not cancelled."""
    app = Recorder(linger=5)

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            await app.begun.wait()
        assert app.seen == ["http.disconnect", "ended", "cleaned up"]

    run(main())


def test_an_application_that_does_not_listen_is_cancelled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends before the test goes on, with its cleaning up."""
    monkeypatch.setattr(_app_task, "TICK", 0)
    app = Recorder(listen=False)

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            await app.begun.wait()
        assert app.seen == ["cancelled", "cleaned up"]

    run(main())


def test_an_application_that_heard_may_take_more_than_a_few_turns(run: Run) -> None:
    """It has a second to end: enough for a session to be closed."""
    app = Recorder(linger=10 * _app_task.TURNS_AFTER_DISCONNECT)

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            await app.begun.wait()
        assert app.seen == ["http.disconnect", "ended", "cleaned up"]

    run(main())


def test_an_application_that_heard_and_does_not_end_is_cancelled(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its second it is cancelled like any other."""
    monkeypatch.setattr(_app_task, "TICK", 0)
    app = Recorder(linger=10_000_000)

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            await app.begun.wait()
        assert app.seen == ["http.disconnect", "cancelled", "cleaned up"]

    run(main())


def test_a_response_that_is_completed_after_it_was_left_has_all_the_time(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work that follows it is waited for, as if it had been read."""
    monkeypatch.setattr(_app_task, "TICK", 0)
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        for _ in range(2 * _app_task.TURNS_AFTER_DISCONNECT):
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"x"})
        for _ in range(10 * _app_task.TICKS_TO_END):
            await asyncio.sleep(0)
        done.append("background")

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            pass
        assert done == ["background"]

    run(main())


def test_a_finished_response_waits_for_the_work_that_follows_it(run: Run) -> None:
    """What the application does after its last chunk is done when ``get`` returns."""
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        await asyncio.sleep(0.01)
        done.append("background")

    async def main() -> None:
        await AsyncTestClient(app).get("/")
        assert done == ["background"]

    run(main())


def test_a_response_that_is_sent_but_not_read_is_finished(run: Run) -> None:
    """Closing it unread waits for the background work: a server would have sent it too."""
    done: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        await asyncio.sleep(0.01)
        done.append("background")

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            pass
        assert done == ["background"]

    run(main())


def test_an_error_of_the_background_work_is_raised(run: Run) -> None:
    """An error after the last chunk reaches the test."""

    async def main() -> None:
        error = ValueError("background")
        with pytest.raises(ValueError) as caught:
            await AsyncTestClient(sends(START, {"type": "http.response.body"}, error=error)).get("/")
        assert caught.value is error

    run(main())


def test_a_client_disconnect_of_the_application_is_no_error_of_the_test(run: Run) -> None:
    """Starlette tells a handler of the disconnect by an exception; the test asked for it by leaving."""

    class ClientDisconnect(Exception):
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await receive()
        await receive()
        raise ClientDisconnect

    async def main() -> None:
        async with AsyncTestClient(app).stream("GET", "/"):
            pass

    run(main())


def test_another_error_on_leaving_is_raised(run: Run) -> None:
    """A fault in the application's handling of a disconnect is a fault."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await receive()
        await receive()
        raise LookupError("in the cleaning up")

    async def main() -> None:
        with pytest.raises(LookupError, match="in the cleaning up"):
            async with AsyncTestClient(app).stream("GET", "/"):
                pass

    run(main())


@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.parametrize("start_first", [True, False])
def test_cancelling_a_request_ends_the_application(run: Run, listen: bool, start_first: bool) -> None:
    """The application has ended, cleaned up, when the cancelled test goes on."""
    app = Recorder(listen=listen, start_first=start_first)

    async def main() -> None:
        request = asyncio.create_task(AsyncTestClient(app).get("/"))
        await app.begun.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert app.seen[-1] == "cleaned up"
        assert len(app.seen) == (3 if listen else 2)

    run(main())


def test_a_cancel_scope_of_anyio_ends_the_application() -> None:
    """anyio repeats its cancellation each turn; the application still cleans up in peace."""
    app = Recorder(listen=False)

    async def main() -> None:
        with anyio.move_on_after(0.01) as scope:
            await AsyncTestClient(app).get("/")
        assert scope.cancelled_caught
        assert app.seen == ["cancelled", "cleaned up"]

    asyncio.run(main())


def test_cancelling_while_background_work_runs_ends_that_work(run: Run) -> None:
    """A test that is cancelled does not wait for the work after a finished response."""
    seen: list[str] = []
    working = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        working.set()
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async def unread(client: AsyncTestClient) -> None:
        async with client.stream("GET", "/"):
            pass

    async def main() -> None:
        for request in (lambda client: client.get("/"), unread):
            working.clear()
            task = asyncio.ensure_future(request(AsyncTestClient(app)))
            await working.wait()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert seen == ["ended", "ended"]

    run(main())


def test_a_client_forgets_a_request_that_was_cancelled(run: Run) -> None:
    """One that is never closed would keep each of them."""
    app = Recorder(listen=False)

    async def main() -> None:
        client = AsyncTestClient(app)
        task = asyncio.create_task(client.get("/"))
        await app.begun.wait()
        assert len(client._in_loop._open) == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not client._in_loop._open

    run(main())
