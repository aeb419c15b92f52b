"""Messages about a database that suffice with the line of the project, and with what to change."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.exc import CompileError

from hermetic.explain.history import History
from tests.explain.failing import said

metadata = MetaData()
Table("hosts", metadata, Column("id", Integer, primary_key=True), Column("address", INET))


def test_a_type_of_another_backend() -> None:
    """The table, the column and its type; the engine that has it not; both ways out."""
    engine = create_engine("sqlite://")
    with pytest.raises(CompileError) as raised, engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()
    text = said(raised.value, History())
    what = "makes the table hosts on an engine of sqlite, which has no type INET: that of its column address. [HM729]"
    assert what in text
    assert "change: delete that engine, and the override that hands it out" in text
    assert "give hosts.address a type for both: another one, .with_variant(INET(), ...)" in text


def test_a_type_without_a_connection() -> None:
    """DDL that somebody compiles: of which backend is not known."""
    message = "(in table 'hosts', column 'address'): Compiler <...> can't render element of type INET"
    assert "on an engine, which has no type INET" in said(raised_here(CompileError(message)), History())


@pytest.mark.parametrize(
    "statement", ["CREATE DATABASE", "DROP DATABASE", "VACUUM", "CREATE INDEX CONCURRENTLY"]
)
def test_a_statement_that_no_transaction_may_hold(statement: str) -> None:
    """Which, and how to execute it."""
    text = said(
        raised_here(RuntimeError(f"<class 'X'>: {statement} cannot run inside a transaction block")),
        History(),
    )
    assert f"runs {statement} within a transaction" in text
    assert 'engine.execution_options(isolation_level="AUTOCOMMIT")' in text


def raised_here(error: BaseException) -> BaseException:
    """Raise an error in a line of the project's."""
    with pytest.raises(type(error)) as raised:
        raise error
    return raised.value
