"""A coroutine in place of what it returns: the call that lacks its await is named."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any
from unittest.mock import AsyncMock

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hermetic.code import Location
from hermetic.explain import coroutines
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.explain.runner import Runner, Setting
from tests.explain.failing import TEST, said

pytestmark = pytest.mark.filterwarnings("ignore:.*never awaited:RuntimeWarning")

app = FastAPI()


async def names() -> Any:
    """What should be awaited."""


@app.get("/returned")
async def returned() -> list[str]:
    """It hands on what it should await."""
    return names()  # type: ignore[return-value]


@app.get("/kept")
async def kept() -> Any:
    """The same, of no declared kind."""
    found = names()
    return found


def attribute() -> None:
    """The usual one."""
    names().all()  # type: ignore[attr-defined]


def loop() -> None:
    """By now nobody has the coroutine."""
    for _ in names():  # type: ignore[attr-defined]
        pass


def subscript() -> None:
    """Nor here."""
    names()[0]  # type: ignore[index]


def encoded() -> None:
    """A library's is."""
    json.dumps(names())


def compared() -> None:
    """pytest shows it."""
    found: Any = names()
    assert found == [], repr(found)


def failed(function: Callable[[], object]) -> str:
    """Return what is said of what a function raises."""
    with pytest.raises(Exception) as caught:
        function()
    text = said(caught.value, History())
    caught.value.__traceback__ = caught.value.__cause__ = caught.value.__context__ = None
    return text


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Have the coroutines of a test go with it, where the warning is expected: some errors hold others in a circle."""
    yield
    gc.collect()


@pytest.mark.parametrize("function", [attribute, loop, subscript, encoded, compared])
def test_in_a_test(function: Callable[[], None]) -> None:
    """The line that made it, and the call."""
    text = failed(function)
    line = function.__code__.co_firstlineno + 2
    assert f"{__file__}:{line}" in text
    assert text.splitlines()[-2].startswith(f"change: {__file__}:{line}: ")
    assert "await names()" in text
    assert "[HM801]" in text


@pytest.mark.parametrize("endpoint", [returned, kept])
def test_in_an_endpoint(endpoint: Callable[..., Any]) -> None:
    """The endpoint that returned it, by whatever client."""
    with TestClient(app) as client:
        text = failed(lambda: client.get(f"/{endpoint.__name__}"))
    line = endpoint.__code__.co_firstlineno + 3
    assert f"It was made at {__file__}:{line}." in text
    assert f"change: {__file__}:{line}: await names()" in text


@lru_cache
async def rates() -> dict[str, int]:
    """What is asked for once."""
    return {"EUR": 1}


@lru_cache
def currencies() -> list[str]:
    """What is no coroutine."""
    return ["EUR"]


async def convert() -> None:
    """Await it."""
    assert len(currencies()) == len(await rates())


async def twice() -> None:
    """Await what no cache keeps."""
    found = names()
    await found
    await found


def test_a_coroutine_of_a_cache() -> None:
    """The function, where it is awaited and where it is defined; nothing of a coroutine that a name keeps."""
    asyncio.run(convert())
    text = failed(lambda: asyncio.run(convert()))
    line = convert.__code__.co_firstlineno + 2
    assert f"{__file__}:{line} awaits a coroutine that was awaited before: rates ({__file__}:" in text
    assert "without lru_cache; keep what rates gives" in text
    assert "[HM795]" in text
    assert "HM795" not in failed(lambda: asyncio.run(twice()))


def test_what_is_no_coroutine() -> None:
    """Nothing is said of other errors, though a coroutine is about."""

    def other() -> None:
        held = names()
        try:
            None.all()  # type: ignore[attr-defined]
        finally:
            held.close()

    assert failed(other) == ""


def account() -> Any:
    """A fixture that hands out what it should await."""
    return names()


def test_of_a_fixture() -> None:
    """The fixture, the call in it, and that it has to be async; of whoever else handed it over nothing is said."""

    def test(account: Any) -> None:
        account.id  # noqa: B018

    value = account()
    with pytest.raises(AttributeError) as caught:
        test(value)
    code = account.__code__
    defined = Location(__file__, code.co_firstlineno, "account")
    fixture = UsedFixture("account", "function", defined, is_async=False, value=value)
    others = (fixture._replace(value=None), fixture._replace(is_async=True), fixture._replace(location=None))
    failure = Failure(TEST, "call", caught.value, fixtures=(*others, fixture))
    auto = replace(failure, runner=Runner(settings={"asyncio_mode": Setting("auto", None)}))
    told = [str(each) for each in coroutines.explain(failure, History())]
    in_mode_auto = [str(each) for each in coroutines.explain(auto, History())]
    value.close()
    assert len(told) == 1
    assert f"the {fixture} hands it out, and nobody awaited it. [HM801]" in told[0]
    by = "in an async def account by @pytest_asyncio.fixture"
    assert f"change: {__file__}:{defined.line + 2}: await names(), {by}" in told[0]
    assert "await names(), in an async def account\n" in in_mode_auto[0]


def test_the_answer_of_a_mock(history: History) -> None:
    """What an AsyncMock returns is one, too: its json() is async."""

    async def ask() -> None:
        client = AsyncMock()
        client.get.return_value.json.return_value = {"city": "Rome"}
        response = await client.get("/")
        response.json()["city"]

    with pytest.raises(TypeError) as raised, pytest.warns(RuntimeWarning, match="never awaited"):
        asyncio.run(ask())
    text = said(raised.value, history)
    assert "has a coroutine of an AsyncMock" in text
    assert "change: a MagicMock for what is not" in text
    assert "await response.json()" not in text
