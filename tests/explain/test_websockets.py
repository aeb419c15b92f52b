"""A dependency that wants a request is named where a websocket asks for it."""

from __future__ import annotations

import pytest
from fastapi import Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient

from hermetic.explain.history import History
from tests.explain.failing import said

app = FastAPI()


def user() -> str:
    """Overridden in each test."""
    return "nobody"


@app.websocket("/ws")
async def answer(socket: WebSocket, name: str = Depends(user)) -> None:
    """Never reached."""


def failed(override: object, path: str) -> TypeError:
    """Return what a websocket failed by, for which something stands in."""
    app.dependency_overrides[user] = override  # type: ignore[assignment]
    with pytest.raises(TypeError) as raised, TestClient(app).websocket_connect(path):
        pass
    app.dependency_overrides.clear()
    return raised.value


def test_a_request(history: History) -> None:
    """The function, its parameter, and what to take in its place."""

    def fake(request: Request) -> str:
        return "ann"

    text = said(failed(fake, "/ws"), history)
    assert f"fake ({__file__}:" in text
    assert "has the parameter request, a Request, and was asked for the websocket /ws" in text
    assert "[HM780]\nchange: request: HTTPConnection" in text


def test_another_parameter(history: History) -> None:
    """Of a call within it, of another kind, of nothing that is known: nothing is said."""

    def inner(request: int) -> str:
        return "ann"

    def fake() -> str:
        return inner()  # type: ignore[call-arg]

    assert "HM780" not in said(failed(fake, "/ws"), history)
    assert "HM780" not in said(TypeError("fake() missing 1 required positional argument: 'request'"), history)
