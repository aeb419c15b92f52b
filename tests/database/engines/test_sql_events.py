"""What is told of engines' connections, transactions and statements: whose they are, and where in the user's code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    bindparam,
    create_engine,
    insert,
    text,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.util import greenlet_spawn

from hermetic.code import Location
from hermetic.database.engines import Installation, install, private
from hermetic.database.engines.destinations import Itself
from hermetic.events.database import (
    TEXT,
    CheckedIn,
    CheckedOut,
    HandedOver,
    SessionEnded,
    Statement,
    TransactionBegan,
    TransactionEnded,
)
from hermetic.owners import Owner, owned_by
from tests.hearing import hearing

KINDS = (CheckedOut, HandedOver, CheckedIn, TransactionBegan, TransactionEnded, Statement)
TEST = Owner("test_it", "test", "function")


@pytest.fixture(autouse=True)
def installation() -> Iterator[Installation]:
    """Have the engines of the process seen, and left where they go."""
    installed = install(lambda request: Itself("of a test"))
    yield installed
    installed.uninstall()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine with a table."""
    made = create_engine(f"sqlite:///{tmp_path}/a.db")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    yield made
    made.dispose()


def is_here(location: Location, function: str) -> bool:
    """Whether a place is in a function of this file."""
    return (location.file, location.function) == (__file__, function)


def test_a_transaction(engine: Engine) -> None:
    """A connection is taken, a transaction begins, its statement is executed, it ends, the connection goes back."""
    with hearing(*KINDS) as told, owned_by(TEST), engine.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": 1})
    assert [type(each) for each in told] == [
        CheckedOut,
        TransactionBegan,
        Statement,
        TransactionEnded,
        CheckedIn,
    ]
    flow: list[Any] = list(told)
    assert all(each[0] is TEST and is_here(each[1], "test_a_transaction") for each in flow)
    assert {each[2] for each in flow} == {str(engine.url)}
    assert len({each[3] for each in flow}) == 1
    (statement,), (ended,) = told.of(Statement), told.of(TransactionEnded)
    assert (statement.text, statement.rows, statement.error) == ("INSERT INTO t VALUES (?)", 1, "")
    assert (statement.parameters, ended.how) == ("n: int", "commit")
    assert 0 < statement.seconds < 60


def test_a_statement_that_fails(engine: Engine) -> None:
    """It is told with the name of the driver's error, and its transaction is rolled back."""
    with hearing(*KINDS) as told, pytest.raises(OperationalError), engine.begin() as connection:
        connection.execute(text("SELECT * FROM nothing"))
    (statement,), (ended,) = told.of(Statement), told.of(TransactionEnded)
    assert (statement.error, statement.rows) == ("OperationalError", -1)
    assert statement.message == 'near "nothing": syntax error'
    assert is_here(statement.location, "test_a_statement_that_fails")
    assert ended.how == "rollback"


def test_a_connection_that_fails(tmp_path: Path) -> None:
    """No statement was executed, and none is told."""
    engine = create_engine(f"sqlite:///{tmp_path}/nowhere/a.db")
    with hearing(*KINDS) as told, pytest.raises(OperationalError):
        engine.connect()
    assert told == []


def test_an_async_engine(tmp_path: Path) -> None:
    """The place is the line of the coroutine, and the loop is told."""

    async def main() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/a.db")
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
        await engine.dispose()

    with hearing(*KINDS) as told, owned_by(TEST):
        asyncio.run(main())
    (checked_out,), (statement,) = told.of(CheckedOut), told.of(Statement)
    assert checked_out.loop != 0
    assert checked_out.connection == statement.connection
    assert is_here(checked_out.location, "main") and is_here(statement.location, "main")
    assert statement.owner is TEST


def test_the_shortest_ways() -> None:
    """What nothing of the project's, and little of SQLAlchemy's, is above in its greenlet has its place, too."""

    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.connect() as connection:
            await connection.exec_driver_sql("SELECT 1")
            await connection.commit()
        await greenlet_spawn(Session)
        await engine.dispose()

    with hearing(*KINDS, SessionEnded) as told, owned_by(TEST):
        asyncio.run(main())
    (statement,), (ended,) = told.of(Statement), told.of(TransactionEnded)
    assert is_here(statement.location, "main") and is_here(ended.location, "main")


def test_the_place_of_what_a_library_executes(engine: Engine, tmp_path: Path) -> None:
    """It is the line of the project that had it do so."""
    library = tmp_path / "site-packages" / "users.py"
    library.parent.mkdir()
    library.write_text(
        "def find(connection, statement):\n    connection.execute(statement)\n", encoding="utf-8"
    )
    names: dict[str, Any] = {}
    exec(compile(library.read_text(encoding="utf-8"), str(library), "exec"), names)
    with hearing(Statement) as told, owned_by(TEST), engine.begin() as connection:
        names["find"](connection, text("SELECT 1"))
    (statement,) = told.of(Statement)
    assert is_here(statement.location, "test_the_place_of_what_a_library_executes")


def test_a_session_of_somebody_else(engine: Engine) -> None:
    """What it takes is handed over to its owner; what it executes is whoever's that uses it."""
    fixture = Owner("fixture 'session'", "fixture", "session")
    with owned_by(fixture):
        session = Session(engine)
    with hearing(*KINDS) as told, owned_by(TEST):
        session.execute(text("SELECT 1"))
        session.close()
    (handed_over,) = told.of(HandedOver)
    assert handed_over == (fixture, told.of(CheckedOut)[0].connection)
    assert told.of(CheckedOut)[0].owner is TEST
    assert told.of(CheckedIn)[0].owner is fixture
    assert told.of(Statement)[0].owner is TEST


def test_a_session_of_ones_own(engine: Engine) -> None:
    """Nothing is handed over."""
    with hearing(*KINDS) as told, owned_by(TEST), Session(engine) as session:
        session.execute(text("SELECT 1"))
    assert told.of(HandedOver) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_one_kind_alone(engine: Engine, kind: type) -> None:
    """Who listens to one is told of no other."""
    fixture = Owner("fixture 'session'", "fixture", "session")
    with hearing(kind) as told, owned_by(TEST):
        with owned_by(fixture):
            session = Session(engine)
        session.execute(text("SELECT 1"))
        session.rollback()
    assert [type(each) for each in told] == [kind]


@pytest.mark.parametrize(("statement", "is_told"), [("SELECT 1", False), ("CREATE TABLE made (n)", True)])
def test_where_a_rollback_is(engine: Engine, statement: str, is_told: bool) -> None:
    """Looked for only where it may have undone something: a session that only read is rolled back when it is closed."""
    with hearing(Statement, TransactionEnded) as told, engine.connect() as connection:
        connection.execute(text(statement))
        connection.rollback()
    (ended,) = told.of(TransactionEnded)
    assert (ended.how, ended.location.file == __file__) == ("rollback", is_told)


def test_nobody_listens(engine: Engine) -> None:
    """SQLAlchemy is as it was then; what somebody listens to is hooked up alone."""
    names = (private.BEGIN, private.COMMIT, private.ROLLBACK, *private.EXECUTE)
    before = {name: getattr(Connection, name) for name in names}
    with hearing(Statement):
        assert {name for name in names if getattr(Connection, name) != before[name]} == {*private.EXECUTE}
    assert {name: getattr(Connection, name) for name in names} == before


def test_somebody_else_s_patch(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was put on top of ours stays when nobody listens any more, and what comes later is told once."""
    ended: list[Connection] = []
    monkeypatch.setattr(
        Connection, private.COMMIT, getattr(Connection, private.COMMIT)
    )  # to be there in the end
    with engine.connect() as connection:
        with hearing(TransactionEnded):
            ours = getattr(Connection, private.COMMIT)

            def commit(connection: Connection) -> None:
                ended.append(connection)
                ours(connection)

            monkeypatch.setattr(Connection, private.COMMIT, commit)
        with hearing(TransactionEnded) as told:
            connection.execute(text("SELECT 1"))
            connection.commit()
    assert ended == [connection]
    assert len(told) == 1


def test_many_rows_at_once(engine: Engine) -> None:
    """What SQLAlchemy sends in batches is one statement."""
    table = Table("t", MetaData(), Column("n", Integer))
    with hearing(Statement) as told, engine.begin() as connection:
        connection.execute(insert(table).returning(table.c.n), [{"n": n} for n in range(3)])
    (statement,) = told.of(Statement)
    assert (statement.parameters, statement.text[:11]) == ("n=0 and 2 more", "INSERT INTO")


def test_a_connection_that_is_closed(engine: Engine) -> None:
    """It has gone back, too."""
    with hearing(CheckedIn) as told, owned_by(TEST):
        connection = engine.connect()
        connection.invalidate()
        connection.close()
    assert [each.owner for each in told.of(CheckedIn)] == [TEST]


def test_a_long_statement_is_cut(engine: Engine) -> None:
    """An event is bounded, and rows are told by their types."""
    many = text(f"INSERT INTO t VALUES (:n) -- {'x' * TEXT}")
    with hearing(Statement) as told, engine.begin() as connection:
        connection.execute(many.bindparams(bindparam("n")), [{"n": 1}, {"n": 2}])
    (statement,) = told.of(Statement)
    assert (len(statement.text), statement.parameters, statement.rows) == (TEXT, "n: int and 1 more", 2)
