"""Messages about a database that suffice with the line of the project, and with what to change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import AsyncClient
from sqlalchemy import Column, Integer, MetaData, Table, create_engine
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.exc import CompileError, ProgrammingError

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


@pytest.mark.parametrize(
    ("call", "change"),
    [
        (lambda: AsyncClient().delete("/", json={}), 'await client.request("DELETE", ..., json=...)'),  # type: ignore[call-arg]
        (lambda: TestClient(FastAPI()).get("/", data={}), 'client.request("GET", ..., data=...)'),  # type: ignore[call-arg]
    ],
)
def test_a_body_for_a_method_that_has_none(call: Callable[[], object], change: str) -> None:
    """Which method, which argument, and what sends it."""
    with pytest.raises(TypeError) as raised:
        call()
    text = said(raised.value, History())
    assert "which only methods that send a body have. [HM790]" in text
    assert f": {change}" in text


def test_several_statements_in_one_execute() -> None:
    """SQLite says so itself, other drivers say it otherwise."""
    engine = create_engine("sqlite://")
    with pytest.raises(ProgrammingError) as raised, engine.connect() as connection:
        connection.execute(sql("SELECT 1; SELECT 2"))
    engine.dispose()
    other = raised_here(RuntimeError("cannot insert multiple commands into a prepared statement"))
    for error in (raised.value, other):
        text = said(error, History())
        assert (
            "hands several statements to one execute(), and the driver prepares one at a time. [HM811]"
            in text
        )
        assert 'for statement in filter(str.strip, sql.split(";"))' in text
