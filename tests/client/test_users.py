"""Clients of users: ``as_user`` and ``login``."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response

from hermetic import AsyncTestClient
from hermetic.errors import ConfigurationError
from tests.client.apps import hello
from tests.client.conftest import Run
from tests.client.lifespans import Logged


async def current_user(request: Request) -> str:
    """Return whose request it is, as applications find out."""
    who = request.headers.get("x-user") or request.cookies.get("user")
    if who is None:
        raise HTTPException(401)
    return who


def other() -> str:
    """Be a dependency that nobody replaces."""
    return "other"


def service() -> FastAPI:
    """Make an application that knows its users."""
    app = FastAPI()

    @app.get("/me")
    async def me(user: str = Depends(current_user), rest: str = Depends(other)) -> str:
        await asyncio.sleep(0)
        return f"{user} {rest}"

    @app.post("/login")
    async def login(name: str, response: Response) -> None:
        response.set_cookie("user", name)

    return app


async def me(client: AsyncTestClient) -> Any:
    """Ask who the client is."""
    response = await client.get("/me")
    return response.json() if response.status_code == 200 else response.status_code


@pytest.mark.parametrize(
    "hook",
    [
        lambda user: {"X-User": user},
        lambda user: httpx2.Cookies({"user": user}),
        lambda user: {current_user: user},
        lambda user: lambda request: _with_header(request, user),
    ],
)
def test_a_user_is_what_the_hook_says(run: Run, hook: Any) -> None:
    """By headers, cookies, a dependency or authentication; the first client stays as it was."""

    async def main() -> None:
        client = AsyncTestClient(service(), authenticate=hook)
        ada = client.as_user("ada")
        assert await me(ada) == "ada other"
        assert await me(client) == 401
        assert await me(ada.as_user("bob")) == "bob other"

    run(main())


def _with_header(request: httpx2.Request, user: str) -> httpx2.Request:
    request.headers["x-user"] = user
    return request


def test_users_at_once_are_not_mixed_up(run: Run) -> None:
    """An overridden dependency belongs to its client, in requests that run at the same time."""

    async def main() -> None:
        client = AsyncTestClient(app := service(), authenticate=lambda user: {current_user: user})
        users = [client.as_user(f"u{number}") for number in range(20)]
        answers = await asyncio.gather(*(me(each) for each in [client, *users]))
        assert answers == [401, *(f"u{number} other" for number in range(20))]
        assert app.dependency_overrides == {} and not app.dependency_overrides

    run(main())


def test_overrides_of_all_clients_still_work(run: Run) -> None:
    """Those that stand in ``dependency_overrides`` count beside those of one client."""

    async def main() -> None:
        client = AsyncTestClient(app := service(), authenticate=lambda user: {current_user: user})
        app.dependency_overrides[other] = lambda: "replaced"
        assert await me(client.as_user("ada")) == "ada replaced"
        assert list(app.dependency_overrides) == [other] and len(app.dependency_overrides) == 1
        with client.override(current_user, lambda: "everybody"):
            assert await me(client) == "everybody replaced"
            assert await me(client.as_user("ada")) == "ada replaced"
        before = app.dependency_overrides.copy()
        assert before == app.dependency_overrides | {} == {} | app.dependency_overrides
        app.dependency_overrides |= {current_user: lambda: "everybody"}
        assert await me(client) == "everybody replaced"
        del app.dependency_overrides[current_user], app.dependency_overrides[other]
        assert list(before) == [other]
        assert await me(client.as_user("ada")) == "ada other"

    run(main())


def test_a_client_logs_in_by_requests(run: Run) -> None:
    """An async hook gets the new client, whose cookies are its own."""

    async def log_in(client: AsyncTestClient, name: str, *, loud: bool = False) -> dict[str, str] | None:
        await client.post("/login", params={"name": name})
        return {"X-User": name.upper()} if loud else None

    async def main() -> None:
        client = AsyncTestClient(service(), authenticate=log_in)
        assert await me(await client.login("ada")) == "ada other"
        assert await me(await client.login("bob", loud=True)) == "BOB other"
        assert await me(client) == 401

    run(main())


def test_login_takes_a_plain_hook_too(run: Run) -> None:
    """Then it is ``as_user``."""

    async def main() -> None:
        client = AsyncTestClient(service(), authenticate=lambda user: {"X-User": user})
        assert await me(await client.login("ada")) == "ada other"

    run(main())


def test_the_other_client_is_like_the_first(run: Run) -> None:
    """It has its class, its arguments and its attributes."""

    class Mine(AsyncTestClient):
        def __init__(self) -> None:
            super().__init__(hello, "https://h/api", root_path="/r", headers={"a": "1"}, authenticate=dict)
            self.extra = "e"

    other = Mine().as_user({"b": "2"})
    assert (type(other), other.extra, str(other.base_url)) == (Mine, "e", "https://h/api/")
    assert (other.headers["a"], other.headers["b"]) == ("1", "2")
    assert other._in_loop.options.root_path == "/r"


def test_the_other_client_shares_the_lifespan(run: Run) -> None:
    """It is ended once, by the first; what the other left open is closed with it."""
    app = Logged()

    async def main() -> None:
        client = AsyncTestClient._lazily(app.api, authenticate=lambda user: {})
        ada = client.as_user("ada")
        response = await ada.send(ada.build_request("GET", "/docs"), stream=True)
        assert app.log == ["up"] and ada.app_state == {"answer": 42}
        await client.aclose()
        assert response.is_closed or ada.started_loop is None
        assert app.log == ["up", "down"]

    run(main())


def test_the_other_client_ends_what_it_opened_alone(run: Run) -> None:
    """Closing it leaves the first one's responses open; the first, with a lifespan of others, closes both."""
    app = Logged()

    async def main() -> None:
        whole = AsyncTestClient._lazily(app.api)
        client = AsyncTestClient._lazily(app.api, lifespan=whole.lifespan, authenticate=lambda user: {})
        ada = client.as_user("ada")
        bob = ada.as_user("bob")
        opened = [
            await each.send(each.build_request("GET", "/docs"), stream=True) for each in (client, ada, bob)
        ]
        await ada.aclose()
        assert len(client._in_loop._open) == 1
        assert client.started_loop is asyncio.get_running_loop() and ada.started_loop is None
        await client.aclose()
        assert client.started_loop is None and len(opened) == 3
        await whole.aclose()

    run(main())


def test_a_client_does_not_keep_those_of_its_users(run: Run) -> None:
    """One of a session makes thousands; what one of them has open is still closed with the first."""

    async def main() -> None:
        client = AsyncTestClient(service(), authenticate=lambda user: {"X-User": user})
        users = [weakref.ref(client.as_user(f"u{number}")) for number in range(3)]
        ada = client.as_user("ada")
        response = await ada.send(ada.build_request("GET", "/me"), stream=True)
        users.append(weakref.ref(ada))
        del ada
        gc.collect()
        assert [user() for user in users] == [None] * 4
        assert client.started_loop is asyncio.get_running_loop()
        await client.aclose()
        assert client.started_loop is None and response.status_code == 200

    run(main())


def test_without_a_hook_the_error_shows_one(run: Run) -> None:
    """Both ways to say who a user is."""

    async def main() -> None:
        with pytest.raises(ConfigurationError, match=r"(?s)hermetic_auth.*get_current_user: user"):
            AsyncTestClient(hello).as_user("ada")
        with pytest.raises(ConfigurationError, match="hermetic_auth"):
            await AsyncTestClient(hello).login("ada")

    run(main())


def test_an_async_hook_needs_a_login() -> None:
    """``as_user`` cannot wait for a request."""

    async def log_in(client: AsyncTestClient, name: str) -> None:
        raise AssertionError

    with pytest.raises(ConfigurationError, match=r"await client\.login"):
        AsyncTestClient(hello, authenticate=log_in).as_user("ada")
