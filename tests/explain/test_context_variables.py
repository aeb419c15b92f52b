"""Of a context variable that is not set where it is asked for, the lines that set it are named."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hermetic.explain.history import History
from tests.explain.failing import said

current: ContextVar[str] = ContextVar("current")
unset: ContextVar[str] = ContextVar("unset")


def middleware() -> None:
    """Set it, for what runs below."""
    current.set("request")


def failed(variable: ContextVar[Any]) -> str:
    """Return what is said where a variable is asked for."""
    with pytest.raises(LookupError) as caught:
        variable.get()
    return said(caught.value, History())


def test_a_variable_that_others_set() -> None:
    """The line that asks, and the one that sets it."""
    text = failed(current)
    line = middleware.__code__.co_firstlineno + 2
    assert "asks for the ContextVar current, which nobody has set there. [HM788]" in text
    assert f"{__file__}:{line} sets it for what runs then" in text
    assert "change: token = current." in text


def test_a_request_that_asks_outside_of_what_sets_it() -> None:
    """A middleware that is further out than the one that sets it: the test has nothing to do with that."""
    app = FastAPI()

    @app.get("/")
    def name() -> str:
        return current.get()

    with pytest.raises(LookupError) as caught:
        TestClient(app).get("/")
    text = said(caught.value, History())
    assert (
        "change: what sets it has to run around name(): of two middlewares the one that was added last"
        in text
    )
    assert "in the test" not in text


def test_what_nobody_sets() -> None:
    """Nothing is said of it, nor of what is no variable, nor of an error that nobody raised."""
    assert "HM788" not in failed(unset)
    assert "HM788" not in said(KeyError("current"), History())
    assert "HM788" not in said(LookupError(current), History())
