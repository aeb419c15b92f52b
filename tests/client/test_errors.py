"""What goes wrong in an application, and how a test learns of it."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import httpx2
import pytest

from hermetic import AsyncTestClient
from hermetic.errors import ConfigurationError, HermeticError
from tests.client.apps import START, hello, sends
from tests.client.conftest import Run


@pytest.mark.parametrize("messages", [[], [START], [START, {"type": "http.response.body"}]])
@pytest.mark.parametrize(
    "error", [ValueError("v"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]
)
def test_an_error_arrives_as_it_was_raised(run: Run, messages: list[Any], error: BaseException) -> None:
    """The same object, wherever in its response the application raised it."""

    async def main() -> None:
        with pytest.raises(type(error)) as caught:
            await AsyncTestClient(sends(*messages, error=error)).get("/")
        assert caught.value is error

    run(main())


def test_a_traceback_shows_the_application_and_hides_hermetic(run: Run) -> None:
    """The frame that raised is the last; each of ours says that pytest should hide it."""

    async def main() -> None:
        with pytest.raises(ValueError) as caught:
            await AsyncTestClient(sends(START, error=ValueError("here"))).get("/")
        frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        ours = [frame for frame in frames if "/hermetic/client/" in frame.f_code.co_filename]
        assert ours
        assert all("__tracebackhide__" in frame.f_locals for frame in ours)
        assert frames[-1].f_code.co_filename == sends.__code__.co_filename

    run(main())


@pytest.mark.parametrize(
    ("messages", "status", "content"),
    [
        ([], 500, b""),
        ([START], 200, b""),
        ([START, {"type": "http.response.body", "body": b"half", "more_body": True}], 200, b"half"),
        ([START, {"type": "http.response.body", "body": b"whole"}], 200, b"whole"),
    ],
)
def test_errors_can_be_left_to_the_application(
    run: Run, messages: list[Any], status: int, content: bytes
) -> None:
    """``raise_server_exceptions=False`` gives what was sent, and 500 for nothing."""

    async def main() -> None:
        app = sends(*messages, error=ValueError("v"))
        response = await AsyncTestClient(app, raise_server_exceptions=False).get("/")
        assert (response.status_code, response.content) == (status, content)

    run(main())


def test_no_response_is_an_error(run: Run) -> None:
    """An application that returns without one is told so; the request is named."""

    async def main() -> None:
        with pytest.raises(
            AssertionError, match=r"any response to GET http://testserver/x: .*without sending one"
        ):
            await AsyncTestClient(sends()).get("/x")
        assert (await AsyncTestClient(sends(), raise_server_exceptions=False).get("/x")).status_code == 500

    run(main())


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([START, START], 'multiple "http.response.start"'),
        ([{"type": "http.response.body"}], 'without "http.response.start"'),
        ([START, {"type": "http.response.body"}, {"type": "http.response.body"}], "after response completed"),
        (
            [{**START, "trailers": True}, {"type": "http.response.body"}, {"type": "http.response.body"}],
            "after body completed",
        ),
        ([START, {"type": "http.response.trailers"}], "without declaring trailers"),
        ([{**START, "trailers": True}, {"type": "http.response.trailers"}], "before body completed"),
        (
            [
                {**START, "trailers": True},
                {"type": "http.response.body"},
                {"type": "http.response.trailers"},
                {"type": "http.response.trailers"},
            ],
            "after response completed",
        ),
    ],
)
def test_a_breach_of_the_protocol_is_the_applications_error(
    run: Run, messages: list[Any], message: str
) -> None:
    """It is raised where the application made it, in TestClient's words."""

    async def main() -> None:
        with pytest.raises(AssertionError, match=message):
            await AsyncTestClient(sends(*messages)).get("/")

    run(main())


def test_a_message_of_another_kind_is_ignored(run: Run) -> None:
    """An extension that the client does not offer does no harm."""

    async def main() -> None:
        app = sends({"type": "http.response.push"}, START, {"type": "http.response.body", "body": b"x"})
        assert (await AsyncTestClient(app).get("/")).text == "x"

    run(main())


def test_an_error_of_a_hook_ends_the_application(run: Run) -> None:
    """A response that httpx2 never hands out leaves nothing running."""

    async def main() -> None:
        app = sends(START, {"type": "http.response.body", "body": b"x"})
        hook_error = ValueError("hook")

        async def hook(response: httpx2.Response) -> None:
            raise hook_error

        client = AsyncTestClient(app, event_hooks={"response": [hook]})
        with pytest.raises(ValueError) as caught:
            await client.get("/")
        assert caught.value is hook_error
        assert client.started_loop is None

    run(main())


def test_without_a_loop_the_error_says_what_to_do() -> None:
    """Driven by something that is not asyncio, a request says which loop it needs."""
    request = AsyncTestClient(hello).get("/")
    with pytest.raises(ConfigurationError, match=r"no asyncio event loop(?s:.*)hint: .*anyio_backend"):
        request.send(None)
    assert issubclass(ConfigurationError, HermeticError)
