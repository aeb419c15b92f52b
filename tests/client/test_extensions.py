"""ASGI extensions, what requests are said to come through, and cookies of hosts without a dot."""

from __future__ import annotations

import asyncio
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import FileResponse

from hermetic import AsyncTestClient
from hermetic.client._asgi import ASGI3App, Receive, Scope, Send
from tests.client.apps import START, body, echo_scope, sends, start
from tests.client.conftest import Run

LAST = {"type": "http.response.body", "body": b""}


def sets(cookie: str) -> ASGI3App:
    """Make an application that sets a cookie, and answers with those that it gets."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send, headers=[(b"set-cookie", cookie.encode())])
        await body(send, dict(scope["headers"]).get(b"cookie", b""))

    return app


def test_template_and_context_are_there(run: Run) -> None:
    """``http.response.debug``, as with TestClient."""
    debug = {"type": "http.response.debug", "info": {"template": "t", "context": {"a": 1}}}

    async def main() -> None:
        response: Any = await AsyncTestClient(sends(debug, START, LAST)).get("/")
        assert (response.template, response.context) == ("t", {"a": 1})
        assert response.extensions["http.response.debug"] == debug["info"]

    run(main())


def test_early_hints_are_kept(run: Run) -> None:
    """All that came before the response, in order."""
    hints = [{"type": "http.response.early_hint", "links": [link]} for link in (b"</a>", bytearray(b"</b>"))]

    async def main() -> None:
        response = await AsyncTestClient(sends(*hints, START, LAST)).get("/")
        assert response.extensions["http.response.early_hint"] == [b"</a>", b"</b>"]

    run(main())


def test_a_path_is_sent_as_its_content(run: Run, tmp_path: Path) -> None:
    """Starlette's FileResponse uses ``http.response.pathsend`` where it is offered."""
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 1000)
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Any) -> None:
            seen.append(message["type"])
            await send(message)

        await FileResponse(file)(scope, receive, noting)

    async def main() -> None:
        plain = await AsyncTestClient(app).get("/")
        offered = await AsyncTestClient(app, asgi_extensions=["http.response.pathsend"]).get("/")
        assert plain.content == offered.content == file.read_bytes()
        assert seen.count("http.response.pathsend") == 1
        assert seen[-1] == "http.response.pathsend"

    run(main())


def test_extensions_and_version_reach_the_scope(run: Run) -> None:
    """Those of TestClient are always offered."""

    async def main() -> None:
        client = AsyncTestClient(echo_scope, asgi_extensions=["http.response.early_hint"], http_version="2")
        scope = (await client.get("/")).json()
        assert sorted(scope["extensions"]) == [
            "http.response.debug",
            "http.response.early_hint",
            "http.response.trailers",
        ]
        assert scope["http_version"] == "2"

    run(main())


@pytest.mark.parametrize("host", ["testserver", "localhost:8000"])
def test_a_cookie_may_name_its_host_as_its_domain(run: Run, host: str) -> None:
    """A host without a dot too, as browsers have it; the standard library's jar refuses."""
    name = host.partition(":")[0]

    async def main() -> None:
        client = AsyncTestClient(sets(f"a=1; Domain={name}; Path=/"), f"http://{host}")
        response = await client.get("/")
        assert response.cookies["a"] == "1"
        assert response.cookies is response.cookies
        assert (await client.get("/")).text == "a=1"
        assert (await client.get("http://elsewhere/")).text == ""

    run(main())


@pytest.mark.parametrize("domain", ["elsewhere", "example.org"])
def test_a_cookie_of_another_domain_is_refused(run: Run, domain: str) -> None:
    """A host sets none for another."""

    async def main() -> None:
        client = AsyncTestClient(sets(f"a=1; Domain={domain}"))
        assert "a" not in (await client.get("/")).cookies
        assert (await client.get("/")).text == ""

    run(main())


def test_a_secure_cookie_is_sent_over_https_alone(run: Run) -> None:
    """With a base URL of https it comes back, to websockets as well."""

    async def main() -> None:
        for scheme, sent in (("http", ""), ("https", "a=1")):
            client = AsyncTestClient(sets("a=1; Secure"), f"{scheme}://testserver")
            await client.get("/")
            assert (await client.get("/")).text == sent

    run(main())


def test_a_jar_of_the_tests_own_keeps_its_policy() -> None:
    """It is used as it is."""
    jar = CookieJar()
    policy = jar._policy  # type: ignore[attr-defined]
    assert AsyncTestClient(echo_scope, cookies=jar).cookies.jar is jar
    assert jar._policy is policy  # type: ignore[attr-defined]


def test_each_request_gives_others_a_turn(run: Run) -> None:
    """A test that polls does not starve the application's own tasks."""

    async def main() -> None:
        turns = 0

        async def work() -> None:
            nonlocal turns
            while turns < 5:
                turns += 1
                await asyncio.sleep(0)

        working = asyncio.create_task(work())
        client = AsyncTestClient(sends(START, LAST))
        for _ in range(5):
            await client.get("/")
        assert turns == 5
        await working

    run(main())
