"""``AsyncTestClient`` as a client: arguments, attributes, loops, context, errors."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextvars import ContextVar
from typing import Any

import httpx2
import pytest

import hermetic
from hermetic import AsyncTestClient
from hermetic.client._asgi import Receive, Scope, Send
from hermetic.owners import Owner, current, owned_by
from tests.client.apps import START, body, echo_scope, hello, sends, start
from tests.client.conftest import Run

color: ContextVar[str] = ContextVar("color", default="none")
at_module_level = AsyncTestClient(hello)


async def scope_of(client: AsyncTestClient, url: str = "/", **options: Any) -> dict[str, Any]:
    """Return the scope that the application got."""
    scope: dict[str, Any] = (await client.get(url, **options)).json()
    return scope


def test_importing_hermetic_imports_no_client() -> None:
    """The plugin's package is imported by every pytest run; httpx2 only by those who use it."""
    script = (
        "import sys, hermetic; print([m for m in sys.modules if m.startswith(('httpx2', 'hermetic.client'))])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy import hides no misspelling."""
    with pytest.raises(AttributeError, match="AsyncTestClents"):
        hermetic.AsyncTestClents  # noqa: B018
    assert hermetic.AsyncTestClient is AsyncTestClient


def test_a_response_is_of_httpx2(run: Run) -> None:
    """Assertions and helpers written for TestClient's responses hold."""

    async def main() -> None:
        response = await AsyncTestClient(hello).get("/")
        assert isinstance(response, httpx2.Response)
        assert (response.status_code, response.text, str(response.url)) == (
            200,
            "hello",
            "http://testserver/",
        )
        assert response.elapsed.total_seconds() > 0

    run(main())


@pytest.mark.parametrize("turn", range(3))
def test_a_client_made_at_module_level_works_in_one_loop_after_another(run: Run, turn: int) -> None:
    """It is made with no loop running, and belongs to none."""

    async def main() -> None:
        assert (await at_module_level.get("/")).text == "hello"

    run(main())


def test_a_client_is_usable_after_it_was_closed(run: Run) -> None:
    """Neither ``aclose`` nor the end of ``async with`` is for good."""
    client = AsyncTestClient(hello)

    async def main() -> None:
        await client.aclose()
        assert (await client.get("/")).text == "hello"
        for _ in range(2):
            async with client:
                assert (await client.get("/")).text == "hello"
        assert (await client.get("/")).text == "hello"
        assert not client.is_closed

    run(main())
    run(main())


def test_entering_a_client_twice_at_once_is_an_error(run: Run) -> None:
    """Its lifespan would not know which of the two to follow."""
    client = AsyncTestClient(hello)

    async def main() -> None:
        async with client:
            with pytest.raises(RuntimeError, match=r"entered already.*lifespan=client\.lifespan"):
                await client.__aenter__()

    run(main())


def test_closing_leaves_what_is_open(run: Run) -> None:
    """A response that the test forgot is ended with its client, and its error raised."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await receive()
        await receive()
        raise LookupError(scope["path"])

    async def main() -> None:
        client = AsyncTestClient(app)
        await client.send(client.build_request("GET", "/forgotten"), stream=True)
        assert client.started_loop is asyncio.get_running_loop()
        with pytest.raises(LookupError, match="/forgotten"):
            await client.aclose()
        assert client.started_loop is None

    run(main())


def test_a_response_forgotten_in_another_loop_is_forgotten_for_good() -> None:
    """The teardown of its loop has ended its application; closing the client later has nothing to do."""
    client = AsyncTestClient(sends(START, {"type": "http.response.body", "body": b"x", "more_body": True}))

    async def forget() -> None:
        await client.send(client.build_request("GET", "/"), stream=True)

    asyncio.run(forget())
    assert client.started_loop is None
    asyncio.run(client.aclose())


def test_the_scope_is_that_of_testclient(run: Run) -> None:
    """Defaults of each field, as TestClient gives them."""

    async def main() -> None:
        scope = await scope_of(AsyncTestClient(echo_scope), "/a%20b?q=1")
        assert scope["path"] == "/a b"
        assert scope["raw_path"] == str(b"/a%20b")
        assert scope["query_string"] == str(b"q=1")
        assert scope["client"] == ["testclient", 50000]
        assert scope["server"] == ["testserver", 80]
        assert scope["http_version"] == "1.1"
        assert scope["root_path"] == ""
        assert scope["state"] == {}
        assert scope["asgi"]["version"] == "3.0"

    run(main())


def test_a_path_is_decoded_once(run: Run) -> None:
    """As servers do; TestClient decodes twice."""

    async def main() -> None:
        assert (await scope_of(AsyncTestClient(echo_scope), "/%2520"))["path"] == "/%20"

    run(main())


def test_arguments_reach_the_scope(run: Run) -> None:
    """``base_url``, ``root_path``, ``client``, ``headers`` and ``cookies``."""

    async def main() -> None:
        client = AsyncTestClient(
            echo_scope,
            "https://example.org:8443/api",
            root_path="/mounted",
            client=("1.2.3.4", 5),
            headers={"X-Token": "t", "User-Agent": "mine"},
            cookies={"session": "s"},
            params={"p": "1"},
            auth=("user", "password"),
        )
        scope = await scope_of(client, "/x")
        headers = {str(name): value for name, value in scope["headers"]}
        assert scope["path"] == "/api/x"
        assert scope["scheme"] == "https"
        assert scope["server"] == ["example.org", 8443]
        assert scope["root_path"] == "/mounted"
        assert scope["client"] == ["1.2.3.4", 5]
        assert scope["query_string"] == str(b"p=1")
        assert headers[str(b"x-token")] == str(b"t")
        assert headers[str(b"user-agent")] == str(b"mine")
        assert headers[str(b"cookie")] == str(b"session=s")
        assert headers[str(b"authorization")].startswith("b'Basic ")

    run(main())


def test_the_users_headers_are_not_changed() -> None:
    """TestClient writes its user agent into the dictionary that it is given."""
    headers: dict[str, str] = {}
    assert AsyncTestClient(hello, headers=headers).headers["user-agent"] == "testclient"
    assert headers == {}


def test_a_request_without_a_host_gets_one(run: Run) -> None:
    """A request that lost its header still tells the application where it went."""

    async def main() -> None:
        client = AsyncTestClient(echo_scope)
        request = client.build_request("GET", "/")
        del request.headers["host"]
        scope = (await client.send(request)).json()
        assert scope["headers"][0] == [str(b"host"), str(b"testserver")]

    run(main())


def test_another_protocol_is_refused(run: Run) -> None:
    """The error names the URL."""

    async def main() -> None:
        with pytest.raises(httpx2.UnsupportedProtocol, match="ftp://testserver/"):
            await AsyncTestClient(hello).get("ftp://testserver/")

    run(main())


def test_attributes_can_be_written(run: Run) -> None:
    """``app``, ``app_state``, ``cookies``, ``headers`` and whatever a user hangs on it."""

    async def main() -> None:
        client = AsyncTestClient(hello)
        client.app = echo_scope
        client.app_state = {"a": 1}
        client.app_state["b"] = 2
        client.cookies.set("c", "3")
        client.headers["x-d"] = "4"
        client.token_payload = {"e": 5}  # type: ignore[attr-defined]
        scope = await scope_of(client)
        assert scope["state"] == {"a": 1, "b": 2}
        assert [str(b"cookie"), str(b"c=3")] in scope["headers"]
        assert [str(b"x-d"), str(b"4")] in scope["headers"]
        assert client.app is echo_scope

    run(main())


def test_a_client_of_a_shared_lifespan_may_call_another_application(run: Run) -> None:
    """Writing ``app`` leaves a lifespan that others share as it is."""

    async def main() -> None:
        first = AsyncTestClient(hello)
        second = AsyncTestClient(hello, lifespan=first.lifespan)
        second.app = echo_scope
        assert first.lifespan.app is hello
        assert (await scope_of(second))["path"] == "/"

    run(main())


def test_each_request_gets_a_shallow_copy_of_the_state(run: Run) -> None:
    """What a request puts into its state is its own; what the objects in it hold is shared."""
    shared: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["shared"].append(1)
        scope["state"]["own"] = True
        await hello(scope, receive, send)

    async def main() -> None:
        client = AsyncTestClient(app)
        client.app_state["shared"] = shared
        await client.get("/")
        assert client.app_state == {"shared": [1]}

    run(main())


def test_context_variables_of_a_request_stay_in_it(run: Run) -> None:
    """The application sees the test's, and leaves them alone."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(color.get())
        color.set("of the request")
        await hello(scope, receive, send)

    async def main() -> None:
        color.set("of the test")
        client = AsyncTestClient(app)
        await client.get("/")
        await client.get("/")
        assert seen == ["of the test"] * 2
        assert color.get() == "of the test"

    run(main())


def test_what_a_request_makes_belongs_to_it(run: Run) -> None:
    """Its owner is a request, started by the test that sent it."""
    seen: list[Owner] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(current())
        await hello(scope, receive, send)

    async def main() -> None:
        test = Owner("a test", "test", "function")
        with owned_by(test):
            await AsyncTestClient(app).post("/items?q=1")
        (owner,) = seen
        assert (owner.name, owner.kind, owner.scope) == ("request POST /items", "request", "function")
        assert owner.parent is test

    run(main())


def test_a_test_that_polls_does_not_starve_the_application(run: Run) -> None:
    """Each request gives the application's own tasks a turn."""
    state = {"step": 0}

    async def work() -> None:
        for _ in range(50):
            await asyncio.sleep(0)
            state["step"] += 1

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await start(send)
        await body(send, json.dumps(state).encode())

    async def main() -> None:
        client = AsyncTestClient(app)
        worker = asyncio.create_task(work())
        for _ in range(100):
            if (await client.get("/")).json()["step"] == 50:
                break
        else:
            pytest.fail("the application's task did not get on")
        await worker

    run(main())


def test_many_requests_run_at_once(run: Run) -> None:
    """Requests that wait for each other all answer."""
    barrier = asyncio.Barrier(100)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await barrier.wait()
        await hello(scope, receive, send)

    async def main() -> None:
        client = AsyncTestClient(app)
        responses = await asyncio.gather(*(client.get("/") for _ in range(100)))
        assert [response.text for response in responses] == ["hello"] * 100

    run(main())


def test_the_debug_extension_reaches_the_response(run: Run) -> None:
    """``response.template`` and ``response.context``, as TestClient sets them."""
    debug = {"type": "http.response.debug", "info": {"template": "T", "context": {"a": 1}}}

    async def main() -> None:
        response: Any = await AsyncTestClient(sends(debug, START, {"type": "http.response.body"})).get("/")
        assert (response.template, response.context) == ("T", {"a": 1})
        assert response.extensions["http.response.debug"] == debug["info"]
        other = sends({**debug, "info": {"x": 1}}, START, {"type": "http.response.body"})
        assert not hasattr(await AsyncTestClient(other).get("/"), "template")

    run(main())
