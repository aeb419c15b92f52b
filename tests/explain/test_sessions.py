"""Of a Session that cannot go on it is said who shares it, or where its transaction was ended, and what to change."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hermetic.client import AsyncTestClient
from hermetic.code import Location
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.owners import Owner, owned_by
from tests.explain.failing import FIXTURE, TEST, in_a_loop, said


class Base(DeclarativeBase):
    """The tables of this module."""


class Ware(Base):
    """One with a unique name."""

    __tablename__ = "wares"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[AsyncSession]:
    """Open a Session on a database that has the table."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/wares.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    session = AsyncSession(engine)
    try:
        yield session
    finally:
        with suppress(InvalidRequestError):  # requests at once may leave it in the midst of a commit
            await session.close()
        await engine.dispose()


async def session_of_request() -> Any:
    """What is overridden."""


def application() -> FastAPI:
    """Make an application that writes by what it depends on."""
    app = FastAPI()

    @app.post("/wares/{name}")
    async def make(name: str, session: AsyncSession = Depends(session_of_request)) -> None:
        session.add(Ware(name=name))
        await session.flush()
        await session.execute(text("select 1"))
        await session.commit()

    return app


def here() -> int:
    """Return the line that calls this."""
    return sys._getframe(1).f_lineno


@in_a_loop
@pytest.mark.filterwarnings("ignore")
async def test_requests_at_once(history: History, tmp_path: Path) -> None:
    """How many of which, what they share, whose that is and where the override hands it out."""
    app = application()
    fixture = UsedFixture("session", "function", Location("conftest.py", 3, "session"), True)
    async with opened(tmp_path) as session:
        app.dependency_overrides[session_of_request] = lambda: session
        line = here() - 1
        client = AsyncTestClient(app)
        with owned_by(TEST):
            sent = (client.post(f"/wares/{name}") for name in "abc")
            answers = await asyncio.gather(*sent, return_exceptions=True)
    error = next(each for each in answers if isinstance(each, InvalidRequestError))
    told = "".join(explanations(Failure(TEST, "call", error, fixtures=(fixture,)), history))
    assert "3 requests at once (POST /wares/a, POST /wares/b, POST /wares/c) use one session" in told
    assert f"session_of_request ({__file__}:{line}) hands to each of them" in told
    assert "that of the fixture 'session' (function scope, conftest.py:3)" in told
    assert "change: delete that override" in told
    assert "[HM760]" in told


@in_a_loop
async def test_tasks_at_once(history: History, tmp_path: Path) -> None:
    """Nobody hands it to requests: where a task uses it, who calls that, and whose it is."""

    async def save(session: AsyncSession) -> None:
        await session.commit()

    async with opened(tmp_path) as session:
        fixture = UsedFixture(
            "session", "function", Location("conftest.py", 3, "session"), is_async=True, value=session
        )
        session.add(Ware(name="a"))
        with pytest.raises(InvalidRequestError) as caught:
            await asyncio.gather(*(save(session) for _ in range(3)))
    told = "".join(explanations(Failure(TEST, "call", caught.value, fixtures=(fixture,)), history))
    assert f"{__file__}:{save.__code__.co_firstlineno + 1} uses a session that another task uses" in told
    assert "that of the fixture 'session' (function scope, conftest.py:3)." in told
    assert "It is called by test_tasks_at_once" in told
    assert "change: a session for each task: save opens its own" in told
    assert "[HM769]" in told


@in_a_loop
async def test_a_listener_that_uses_its_own_session(history: History, tmp_path: Path) -> None:
    """There is no other task: nothing is said."""
    async with opened(tmp_path) as session:
        listener = event.listens_for(session.sync_session, "after_flush")
        listener(lambda own, _: own.flush())
        session.add(Ware(name="a"))
        with pytest.raises(InvalidRequestError, match="already flushing") as caught:
            await session.flush()
    assert said(caught.value, history) == ""


@in_a_loop
async def test_requests_one_after_the_other(history: History, tmp_path: Path) -> None:
    """Nothing is said of sharing where no two were under way, nor where the error is another one."""
    app = application()
    async with opened(tmp_path) as session:
        app.dependency_overrides[session_of_request] = lambda: session
        client = AsyncTestClient(app)
        with owned_by(TEST):
            assert (await client.post("/wares/a")).status_code == 200
            with pytest.raises(IntegrityError) as caught:
                await client.post("/wares/a")
    assert said(caught.value, history) == ""
    assert said(RuntimeError("another operation is in progress"), history) == ""


@in_a_loop
async def test_after_a_failed_flush(history: History, tmp_path: Path) -> None:
    """Where it had failed, by what, whose Session that is."""
    async with opened(tmp_path) as session:
        session.add(Ware(name="a"))
        await session.commit()
        session.add(Ware(name="a"))
        with pytest.raises(IntegrityError):
            await session.commit()
        line = here() - 1
        with pytest.raises(Exception) as caught:
            await session.get(Ware, 1)
        told = said(caught.value, history)
        await session.rollback()
        assert await session.get(Ware, 1) is not None
    assert f"That was at {__file__}:{line}; the session is that of {FIXTURE.name}." in told
    assert "It failed by: (sqlite3.IntegrityError) UNIQUE constraint failed: wares.name" in told
    assert f"change: await session.rollback() where {__file__}:{line} fails" in told
    assert "[HM742]" in told


@in_a_loop
async def test_one_that_many_tests_share(history: History, tmp_path: Path) -> None:
    """A narrower scope helps there, too."""
    wide = Owner("fixture 'session' (session scope)", "fixture", "session")
    with owned_by(wide):
        async with opened(tmp_path) as session:
            session.add_all([Ware(name="a"), Ware(name="a")])
            with pytest.raises(IntegrityError):
                await session.flush()
            with pytest.raises(Exception) as caught:
                await session.get(Ware, 1)
    assert f"change: or a session for each test: {wide.name} hands one to all of them" in said(
        caught.value, history
    )


@in_a_loop
async def test_a_commit_inside_of_a_block(history: History, tmp_path: Path) -> None:
    """Which one it was."""
    async with opened(tmp_path) as session:
        with pytest.raises(Exception) as caught:
            async with session.begin():
                await session.commit()
                await session.execute(text("select 1"))
    told = said(caught.value, history)
    line = here() - 3
    assert f"{__file__}:{line + 1} uses a session inside of `async with session.begin()`" in told
    assert f"whose transaction the commit at {__file__}:{line} has ended" in told
    assert "[HM743]" in told


@in_a_loop
async def test_a_transaction_that_was_begun_before(history: History, tmp_path: Path) -> None:
    """The override that hands the session over is named; of one that nobody hands over nothing is said."""
    app = FastAPI()

    @app.post("/")
    async def begins(session: AsyncSession = Depends(session_of_request)) -> None:
        async with session.begin():
            pass

    async with opened(tmp_path) as session:
        app.dependency_overrides[session_of_request] = lambda: session
        line = here() - 1
        await session.execute(text("select 1"))
        with pytest.raises(InvalidRequestError) as caught:
            await AsyncTestClient(app).post("/")
        told = said(caught.value, history)
        with pytest.raises(InvalidRequestError) as own:
            async with session.begin():
                pass
    assert f"session_of_request ({__file__}:{line}) hands the same session to each request" in told
    assert "[HM744]" in told
    assert said(own.value, history) == ""


def test_which_test_it_was_in(history: History) -> None:
    """A session of a wider fixture carries the failure of one test into another."""
    first = Owner("tests/test_wares.py::test_twins", "test", "function")

    async def main(folder: str) -> BaseException:
        async with opened(Path(folder)) as session:
            history.begin(first)
            session.add_all([Ware(name="a"), Ware(name="a")])
            with pytest.raises(IntegrityError):
                await session.flush()
            history.begin(TEST)
            with pytest.raises(Exception) as caught:
                await session.get(Ware, 1)
            return caught.value

    with TemporaryDirectory() as folder:
        assert f", in {first.name}; the session" in said(asyncio.run(main(folder)), history)
