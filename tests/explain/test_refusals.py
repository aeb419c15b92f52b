"""A request that was refused though an override was to let it through: who refused it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBearer
from starlette.responses import JSONResponse

from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

REQUEST = Owner("request GET /shops", "request", "function", TEST)
WRONG = AssertionError("assert 401 == 200")


def decoded(token: str) -> str:
    """Refuse by what is called."""
    if token != "t":
        raise HTTPException(401, "bad token")
    return token


def current_user(request: Request) -> str:
    """Give a user."""
    return decoded(request.headers["authorization"])


def require_admin(user: Annotated[str, Depends(current_user)]) -> None:
    """Refuse by itself."""
    if user != "admin":
        raise HTTPException(401, "admins only")


def get_session() -> Any:
    """Give a session."""
    yield 1


router = APIRouter()


@router.get("/own")
def own(user: Annotated[str, Depends(current_user)], admin: Annotated[None, Depends(require_admin)]) -> None:
    """Has both in its parameters."""


@router.get("/refusing")
def refusing(user: Annotated[str, Depends(current_user)]) -> None:
    """Refuses by itself."""
    raise HTTPException(401, "too late")


app = FastAPI()
app.include_router(router)
app.include_router(router, prefix="/v2")
keyed = FastAPI(dependencies=[Depends(HTTPBearer())])


@keyed.get("/")
def root(session: Annotated[int, Depends(get_session)]) -> None:
    """Has a session."""


watched = FastAPI()


@watched.middleware("http")
async def check_key(request: Request, call_next: Callable[..., Any]) -> Any:
    """Refuse before any route."""
    return await call_next(request) if "key" in request.headers else JSONResponse({"detail": "no key"}, 401)


def refused(endpoint: Callable[..., Any] | None, words: str) -> None:
    """Tell of a request."""
    number = 0 if endpoint is None else id(endpoint)
    body = json.dumps({"detail": words})
    emit(RequestEnded(REQUEST, "GET", "/own", 401, 0.001, "", endpoint=number, body=body))


def test_a_dependency_beside_the_overridden_one(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one that it depends on, for which an override stands."""
    monkeypatch.setitem(app.dependency_overrides, current_user, lambda: "bob")
    refused(own, "admins only")
    text = said(WRONG, history)
    assert f"GET /own was answered by 401: require_admin ({__file__}:" in text
    assert f"stand for {__name__}.current_user" in text
    assert "change: dependency_overrides[require_admin] = " in text
    assert "[HM782]" in text


def test_a_dependency_of_the_whole_application(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI's own, which no parameter of the endpoint shows."""
    monkeypatch.setitem(keyed.dependency_overrides, get_session, lambda: 2)
    refused(root, "Not authenticated")
    text = said(WRONG, history)
    assert "HTTPBearer refused it, which stands in dependencies=[...]" in text


def test_a_middleware(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """No override reaches it."""
    monkeypatch.setitem(watched.dependency_overrides, get_session, lambda: 2)
    refused(None, "no key")
    assert f"check_key ({__file__}:" in said(WRONG, history)


@pytest.mark.parametrize(
    ("endpoint", "words", "overridden"),
    [(own, "admins only", get_session), (refusing, "too late", current_user), (own, "", get_session)],
    ids=["only a session is overridden", "the endpoint itself", "which of two"],
)
def test_what_is_not_known(
    history: History,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: Callable[..., Any],
    words: str,
    overridden: Callable[..., Any],
) -> None:
    """Nothing is said."""
    monkeypatch.setitem(app.dependency_overrides, overridden, lambda: 2)
    refused(endpoint, words)
    assert "HM782" not in said(WRONG, history)


def test_no_override_at_all(history: History) -> None:
    """Nobody wanted to be let through."""
    refused(root, "Not authenticated")
    refused(None, "no key")
    assert "HM782" not in said(WRONG, history)
