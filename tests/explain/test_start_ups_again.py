"""Of a start-up that fails because the application was started before it is said who had started it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI

from hermetic.events import emit
from hermetic.events.application import StartUpBegan
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import FIXTURE, TEST, in_a_loop, said

rows: list[str] = []


def insert(name: str) -> None:
    """Make a first row."""
    if name in rows:
        raise ValueError(f"UNIQUE constraint failed: {name}")
    rows.append(name)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make what is there already the second time."""
    insert("root")
    yield


async def start_again(app: FastAPI) -> Exception:
    """Start an application; return what that fails by."""
    with pytest.raises(ValueError, match="UNIQUE") as raised:
        async with app.router.lifespan_context(app):
            pass
    return raised.value


@pytest.fixture(autouse=True)
def app() -> FastAPI:
    """An application that has not been started."""
    rows.clear()
    return FastAPI(lifespan=lifespan)


@in_a_loop
async def test_while_it_runs(history: History, app: FastAPI) -> None:
    """Whoever has started it: it goes on."""
    async with app.router.lifespan_context(app):
        text = said(await start_again(app), history)
    at = insert.__code__.co_firstlineno + 3
    assert (
        f"{__file__}:{at}: lifespan() (" in text
        and "in the lifespan of an application, runs for the second" in text
    )
    assert "first before this test, which has not ended" in text and "[HM767]" in text


@in_a_loop
async def test_after_it_has_ended(history: History, app: FastAPI) -> None:
    """In the same test, and who started it each time."""
    async with app.router.lifespan_context(app):
        emit(StartUpBegan(Owner("a lifespan", "lifespan", "function", FIXTURE), id(app)))
    assert said(await start_again(app), history) == ""
    emit(StartUpBegan(Owner("another lifespan", "lifespan", "function", TEST), id(app)))
    text = said(await start_again(app), history)
    assert f"first for {FIXTURE.name}, and what that made is still there, now for {TEST.name}" in text


@in_a_loop
async def test_the_only_start_up(history: History, app: FastAPI) -> None:
    """It fails for a reason of its own."""
    rows.append("root")
    assert said(await start_again(app), history) == ""
