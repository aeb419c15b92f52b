"""A coroutine in the place of what it returns: the call that lacks its await is named."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from hermetic.explain.history import History
from tests.explain.failing import said

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
    gc.collect()  # here, where the warning is expected
    return text


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


def test_what_is_no_coroutine() -> None:
    """Nothing is said of other errors, though a coroutine is about."""

    def other() -> None:
        held = names()
        try:
            None.all()  # type: ignore[attr-defined]
        finally:
            held.close()

    assert failed(other) == ""
