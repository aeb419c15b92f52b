"""A connection that a session checks out belongs to the session's owner."""

from __future__ import annotations

import asyncio
import inspect
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import IllegalStateChangeError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlmodel import Session as SQLModelSession

from hermetic.database.engines import Installation, install
from hermetic.database.lazy import LazyDatabase
from hermetic.owners import Owner, owned_by

FIXTURE = Owner("fixture 'session' (session scope)", "fixture", "session")
TEST = Owner("tests/test_x.py::test_it", "test", "function")


@pytest.fixture
def engine(installation: Installation, elsewhere: Path) -> Engine:
    """A synchronous engine."""
    return create_engine(f"sqlite:///{elsewhere}")


def owners_of(installation: Installation) -> list[Owner]:
    """Return the owners of the connections in use."""
    return [each.owner for each in installation.checked_out()]


@pytest.mark.parametrize("kind", [Session, SQLModelSession])
def test_a_sessions_connection_is_its_owners(
    installation: Installation, engine: Engine, kind: type[Session]
) -> None:
    """A session of a wider fixture that connects in a test does so for the fixture."""
    with owned_by(FIXTURE):
        session = kind(engine)
    with owned_by(TEST), session:
        session.execute(text("SELECT 1"))
        assert owners_of(installation) == [FIXTURE]


def test_an_async_session(installation: Installation) -> None:
    """So does an async session, in each of its transactions."""
    engine = create_async_engine("sqlite+aiosqlite://")

    async def main() -> None:
        with owned_by(FIXTURE):
            session = AsyncSession(engine)
        async with session:
            for _ in range(2):
                with owned_by(TEST):
                    await session.execute(text("SELECT 1"))
                assert owners_of(installation) == [FIXTURE]
                await session.commit()

    asyncio.run(main())


def test_a_sessionmaker(installation: Installation, engine: Engine) -> None:
    """What counts is who makes the session, not who made the factory."""
    factory = sessionmaker(engine)
    with owned_by(TEST), factory() as session:
        session.execute(text("SELECT 1"))
        assert owners_of(installation) == [TEST]


def test_a_session_on_somebody_elses_connection(installation: Installation, engine: Engine) -> None:
    """A session bound to a connection takes nothing over: the savepoint recipe's connection is the fixture's."""
    with owned_by(FIXTURE):
        connection = engine.connect()
    with owned_by(TEST), Session(connection) as session:
        session.execute(text("SELECT 1"))
        assert owners_of(installation) == [FIXTURE]
    connection.close()


def test_a_session_older_than_the_installation(database: LazyDatabase, elsewhere: Path) -> None:
    """Of a session made before nobody knows the owner; whoever connects is."""
    session = Session(create_engine(f"sqlite:///{elsewhere}"))
    installed = install(lambda request: database)
    with owned_by(TEST), session:
        session.execute(text("SELECT 1"))
        assert owners_of(installed) == [TEST]
    installed.uninstall()


def test_a_session_begun_on_an_unseen_connection(database: LazyDatabase, elsewhere: Path) -> None:
    """A session on a connection that was checked out before the installation changes nothing."""
    engine = create_engine(f"sqlite:///{elsewhere}")
    with engine.connect() as connection:
        installed = install(lambda request: database)
        with Session(connection) as session:
            session.execute(text("SELECT 1"))
        assert owners_of(installed) == []
        installed.uninstall()
    engine.dispose()


def test_the_constructor_looks_as_before(installation: Installation) -> None:
    """Whoever inspects ``Session`` sees its own signature."""
    assert "expire_on_commit" in inspect.signature(Session).parameters


def test_uninstalling_restores_the_constructor(database: LazyDatabase) -> None:
    """``Session`` is left as it was found."""
    before = Session.__init__
    install(lambda request: database).uninstall()
    assert Session.__init__ is before


def test_a_session_in_the_middle_of_its_commit(installation: Installation, engine: Engine) -> None:
    """It is not invalidated under its feet: only its connection is closed, and the commit fails by that."""
    committing, go = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def wait(session: Session) -> None:
        committing.set()
        assert go.wait(60)

    def commit() -> None:
        with Session(engine) as session:
            event.listen(session, "before_commit", wait)
            session.execute(text("CREATE TABLE t (id INTEGER)"))
            try:
                session.commit()
            except BaseException as error:
                errors.append(error)

    thread = threading.Thread(target=commit)
    thread.start()
    assert committing.wait(60)
    (in_use,) = installation.checked_out()
    in_use.end_now()
    go.set()
    thread.join(60)
    assert [type(error) for error in errors] != [IllegalStateChangeError]
    assert installation.checked_out() == []
