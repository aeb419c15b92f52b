"""The application behind uvicorn."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.error import HTTPError

import pytest
from fastapi import FastAPI

from hermetic.client import LiveServer
from hermetic.client._asgi import Receive, Scope, Send
from tests.client.apps import body, start
from tests.client.lifespans import COMPLETE, Logged


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, or raise at ``/broken``."""
    if scope["type"] == "lifespan":
        await receive()
        await send(COMPLETE)
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/broken":
        raise LookupError("broken")
    await start(send, headers=[(b"content-length", b"5")])
    await body(send, b"hello")


def test_it_answers_while_the_block_lasts() -> None:
    """On a port of its own."""
    with LiveServer(hello) as one, LiveServer(hello) as other:
        assert one.port != other.port
        for server in (one, other):
            with urllib.request.urlopen(server.url + "/") as response:
                assert response.read() == b"hello"
    with pytest.raises(OSError):
        urllib.request.urlopen(one.url, timeout=5)


def test_it_runs_the_lifespan() -> None:
    """Up before the first request, down at the end of the block."""
    app = Logged()
    with LiveServer(app.api):
        assert app.log == ["up"]
    assert app.log == ["up", "down"]


def test_an_error_of_the_start_up_is_raised() -> None:
    """As the application raised it."""
    error = LookupError("no database")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise error
        yield

    with pytest.raises(LookupError) as caught:
        LiveServer(FastAPI(lifespan=lifespan)).__enter__()
    assert caught.value is error


def test_a_start_up_that_only_says_failed_is_an_error() -> None:
    """There is no exception to show."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(RuntimeError, match="did not start"):
        LiveServer(app).__enter__()


@pytest.mark.parametrize("error", [None, AssertionError("no lifespan")])
def test_an_application_without_a_lifespan_just_works(error: Exception | None) -> None:
    """It raises on the scope, or returns at once."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await hello(scope, receive, send)
        elif error is not None:
            raise error

    with LiveServer(app) as server, urllib.request.urlopen(server.url) as response:
        assert response.read() == b"hello"


def test_what_requests_raise_is_kept() -> None:
    """The client gets a 500, as in production."""
    with LiveServer(hello) as server:
        with pytest.raises(HTTPError) as caught:
            urllib.request.urlopen(server.url + "/broken")
        caught.value.close()
        assert [str(error) for error in server.errors] == ["broken"]


def test_without_uvicorn_it_says_what_to_install() -> None:
    """The extra, by name."""
    script = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from hermetic.client import LiveServer\n"
        "try: LiveServer(print).__enter__()\n"
        "except Exception as error: print(error)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "hint: pip install 'hermetic[live]'" in found.stdout
