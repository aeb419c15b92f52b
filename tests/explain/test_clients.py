"""A test that compares with 500 is told that its client raises instead, and how to have it answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient

from hermetic.client import AsyncTestClient
from hermetic.code import Location
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from tests.explain.failing import TEST, in_a_loop

app = FastAPI()


@app.get("/")
async def broken() -> None:
    """Fail."""
    raise LookupError("nothing here")


async def compares(client: Any) -> None:
    """Be a test that wants to see the answer."""
    response = await client.get("/")
    assert response.status_code == 500


async def compares_at_once(client: Any) -> None:
    """Be one that does so in one line."""
    assert (await client.get("/")).status_code == 500


async def counts(client: Any) -> None:
    """Be one that has 500 of something else."""
    response = await client.get("/")
    assert len(response.json()) == 500


def compares_in_sync(client: Any) -> None:
    """Be a synchronous one."""
    assert client.get("/").status_code >= 500


def said_of(function: Callable[..., Any], error: BaseException, history: History) -> str:
    """Return what is said of a test."""
    code = function.__code__
    where = Location(code.co_filename, code.co_firstlineno, code.co_name)
    return "".join(explanations(Failure(TEST, "call", error, where), history))


CLIENTS: dict[str, Callable[[], Any]] = {
    "ASGITransport(app=app, raise_app_exceptions=False)": lambda: AsyncClient(
        transport=ASGITransport(app=app), base_url="http://test"
    ),
    "AsyncTestClient(app, raise_server_exceptions=False)": lambda: AsyncTestClient(app),
}


@in_a_loop
@pytest.mark.parametrize("change", CLIENTS)
@pytest.mark.parametrize(("test", "more"), [(compares, 3), (compares_at_once, 2)])
async def test_it_is_raised(history: History, change: str, test: Any, more: int) -> None:
    """The line that compares, the line that raised, and what the client has to be told."""
    with pytest.raises(LookupError) as caught:
        await test(CLIENTS[change]())
    text = said_of(test, caught.value, history)
    line = test.__code__.co_firstlineno
    assert f"The application raised LookupError at {__file__}:{broken.__code__.co_firstlineno + 3}" in text
    assert f"{__file__}:{line + more} expects an answer of 500" in text
    assert f"change: {change}" in text
    assert "[HM763]" in text


def test_a_synchronous_client(history: History) -> None:
    """It has an argument for that, too."""
    with pytest.raises(LookupError) as caught:
        compares_in_sync(TestClient(app))
    text = said_of(compares_in_sync, caught.value, history)
    assert "change: TestClient(app, raise_server_exceptions=False)" in text
    compares_in_sync(TestClient(app, raise_server_exceptions=False))


@in_a_loop
async def test_the_changes_are_right() -> None:
    """With them the test passes."""
    await compares(AsyncTestClient(app, raise_server_exceptions=False))
    transport = ASGITransport(app=app, raise_app_exceptions=False)
    await compares(AsyncClient(transport=transport, base_url="http://test"))


@in_a_loop
async def test_what_is_not_about_the_answer(history: History) -> None:
    """Nothing is said where the status is compared with nothing of the kind, nor of an error of the test's own."""
    with pytest.raises(LookupError) as caught:
        await counts(AsyncTestClient(app))
    assert said_of(counts, caught.value, history) == ""
    assert said_of(compares, LookupError("of the test"), history) == ""
