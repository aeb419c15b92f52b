"""Of an override that does not do what it should it is said why: its key, or its parameters."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import AsyncMock

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request

from hermetic.client import AsyncTestClient
from hermetic.explain.history import History
from hermetic.guards.dependencies import Override
from hermetic.owners import owned_by
from tests.explain.failing import TEST, in_a_loop, said

app = FastAPI()
"""What is looked for in loaded modules."""


def settings(request: Request) -> str:
    """What is overridden."""
    return "real"


def user(name: Annotated[str, Depends(settings)]) -> str:
    """What depends on that."""
    return name


router = APIRouter()


@router.get("/me")
async def me(name: str = Depends(user)) -> str:
    """Answer by what it depends on."""
    return name


@router.get("/upper")
async def upper(name: str = Depends(user)) -> str:
    """Use what it depends on."""
    return name.upper()


app.include_router(router)


@pytest.fixture(autouse=True)
def _undone() -> Iterator[None]:
    yield
    app.dependency_overrides.clear()


async def get() -> int:
    """Send a request as the test."""
    with owned_by(TEST):
        return (await AsyncTestClient(app).get("/me")).status_code


def takes(db: object) -> str:
    """Have a parameter that nobody gives."""
    return "fake"


@in_a_loop
@pytest.mark.parametrize(
    ("function", "names"),
    [
        (takes, "parameter db"),
        (AsyncMock(return_value="fake"), "parameters args, kwargs"),
        (lambda x, y: "", "parameters x, y"),
    ],
)
async def test_parameters(history: History, function: Any, names: str) -> None:
    """The request that was refused, the override and its parameters."""
    app.dependency_overrides[user] = function
    assert await get() == 422
    text = said(AssertionError("assert 422 == 200"), history)
    assert "GET /me was answered by 422: the override of" in text
    assert f"has the {names}, which FastAPI reads from the query" in text
    assert "[HM762]" in text
    app.dependency_overrides[user] = lambda: "fake"
    assert await get() == 200


@in_a_loop
async def test_parameters_that_are_fine(history: History) -> None:
    """Nothing is said of those that somebody gives, nor where no request was refused."""

    def fine(request: Request, other: str = Depends(settings), default: int = 1) -> str:
        return "fake"

    for function in (fine, user, partial(takes, db=1), lambda name=Depends(settings): name):
        app.dependency_overrides[user] = function
        assert await get() == 200
    assert said(AssertionError("assert 200 == 201"), history) == ""
    app.dependency_overrides[user] = takes
    assert said(AssertionError("assert 200 == 201"), history) == ""


@in_a_loop
async def test_an_object_that_is_no_function(history: History) -> None:
    """Its class and its dependency, where FastAPI was about to call it; nothing of another error."""
    fake: Any = {"name": "fake"}
    app.dependency_overrides[user] = fake
    with pytest.raises(TypeError) as caught:
        await get()
    text = said(caught.value, history)
    assert f"The override of {__name__}.user is an object of the class dict, which cannot be called" in text
    assert f"change: dependency_overrides[{__name__}.user] = lambda: ..., with that dict" in text
    assert "HM794" not in said(TypeError("another"), history)


@in_a_loop
async def test_another_import_of_the_same_file(history: History) -> None:
    """The application's function is named, and from where to import it."""
    other = types.ModuleType("src.tests.explain.test_overrides")
    exec(compile(Path(__file__).read_text(encoding="utf-8"), __file__, "exec"), other.__dict__)
    app.dependency_overrides[other.__dict__["settings"]] = lambda: "fake"
    await get()
    text = said(AssertionError("assert 'real' == 'fake'"), history)
    assert "The override of src.tests.explain.test_overrides.settings" in text
    assert f"depends on {__name__}.settings, and {__file__} is imported under two names" in text
    assert f"change: from {__name__} import settings" in text
    assert "[HM761]" in text


@in_a_loop
async def test_an_override_that_is_used(history: History) -> None:
    """Nothing is said of it, nor of one that no route has (yet), nor where no request was sent."""
    app.dependency_overrides[settings] = lambda: "fake"
    app.dependency_overrides[takes] = lambda: "fake"
    assert await get() == 200
    assert said(AssertionError("assert 1 == 2"), history) == ""


@in_a_loop
async def test_one_that_is_not_run(history: History) -> None:
    """What the endpoint got, and which function to give in place of the lambda."""

    async def named() -> AsyncIterator[str]:
        yield "fake"

    app.dependency_overrides[user] = lambda: named()
    with pytest.raises(AttributeError) as caught:
        await AsyncTestClient(app).get("/upper")
    text = said(caught.value, history)
    assert "got the async_generator named() rather than what it gives" in text
    assert ".user] = named, without a lambda" in text
    assert "[HM765]" in text
    app.dependency_overrides[user] = named
    assert (await AsyncTestClient(app).get("/upper")).json() == "FAKE"


def test_what_an_override_holds() -> None:
    """Closures, defaults and arguments, by their names."""
    one, two = object(), object()

    def closed(other: object = two) -> object:
        return one

    held = dict(Override(app, settings, closed).held())
    assert held == {"one": one, "": two}
    assert dict(Override(app, settings, partial(closed, other=one)).held())["other"] is one
