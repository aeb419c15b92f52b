"""What a Session does is told, with whose it is and where, while somebody listens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, make_transient_to_detached, mapped_column

from hermetic.code import UNKNOWN
from hermetic.database.engines.checkouts import Checkouts
from hermetic.database.engines.connections import Index
from hermetic.database.engines.sessions import SessionOwners
from hermetic.events.database import SessionEnded, TransactionEnded
from hermetic.owners import Owner, owned_by
from tests.hearing import hearing

FIXTURE = Owner("fixture 'session' (session scope)", "fixture", "session")
TEST = Owner("test_it", "test", "function")


class Base(DeclarativeBase):
    """The tables."""


class Thing(Base):
    """Something that a Session can hold."""

    __tablename__ = "things"
    n: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture(autouse=True)
def sessions() -> Iterator[None]:
    """Every Session is seen."""
    owners = SessionOwners(Checkouts(Index()))
    owners.listen()
    yield
    owners.stop()


def test_what_is_told() -> None:
    """Each end with its line, whoever does it: the Session is its maker's."""

    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        with owned_by(FIXTURE):
            session = AsyncSession(engine, expire_on_commit=False)
        thing = Thing(n=1)  # else a close takes nothing away
        make_transient_to_detached(thing)
        session.add(thing)
        with owned_by(TEST):
            for end in (session.commit, session.rollback, session.close):
                await session.execute(text("select 1"))
                await end()
        await engine.dispose()

    with hearing(SessionEnded) as heard:
        asyncio.run(main())
    ends = heard.of(SessionEnded)
    assert [(each.how, each.is_expiring) for each in ends] == [
        ("commit", False),
        ("rollback", True),
        ("close", False),
    ]
    assert {each.owner for each in ends} == {FIXTURE}
    assert len({each.session for each in ends}) == 1
    first = main.__code__.co_firstlineno
    assert {each.made_at.line for each in ends} == {first + 3}
    assert {each.location.line for each in ends} == {first + 10}


def test_on_a_connection_that_somebody_else_commits() -> None:
    """The line is that of the Session's own commit, which commits nothing, not that of the connection's before it."""
    engine = create_engine("sqlite://")
    with hearing(SessionEnded, TransactionEnded) as heard, engine.connect() as connection:
        connection.execute(text("select 1"))
        connection.commit()
        with connection.begin(), Session(connection, join_transaction_mode="rollback_only") as session:
            session.execute(text("select 1"))
            session.commit()
    engine.dispose()
    first = test_on_a_connection_that_somebody_else_commits.__code__.co_firstlineno
    assert [each.location.line - first for each in heard.of(SessionEnded)] == [8]


def test_a_session_of_hermetics_own() -> None:
    """No line of the user's made it, and none is claimed."""
    with (
        hearing(SessionEnded) as heard,
        owned_by(Owner("fixture 'db'", "fixture", "function", accountable=False)),
    ):
        Session().commit()
    assert [each.made_at for each in heard.of(SessionEnded)] == [UNKNOWN]


def test_a_session_that_was_made_before() -> None:
    """Nobody listened then, and its maker's line is not known."""
    session = Session()
    with hearing(SessionEnded) as heard:
        session.commit()
    assert [each.made_at for each in heard.of(SessionEnded)] == [UNKNOWN]


def test_nobody_listens() -> None:
    """Then nothing is hooked up but the owner."""
    before = Session.close
    with hearing(SessionEnded):
        assert Session.close is not before
    assert Session.close is before
