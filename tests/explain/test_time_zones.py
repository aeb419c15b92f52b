"""Of a time with a zone, and a column without one, it is said which column that is."""

from __future__ import annotations

import linecache
from datetime import UTC, datetime

import pytest
from sqlalchemy import DateTime
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hermetic.code import UNKNOWN
from hermetic.events import emit
from hermetic.events.database import Statement
from hermetic.explain.history import History
from tests.explain.failing import TEST, said

MIXED = "invalid input for query argument $2: ... (can't subtract offset-naive and offset-aware datetimes)"
ZONE, NONE = "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITHOUT TIME ZONE"


class Base(DeclarativeBase):
    """The tables of these tests."""


class Loan(Base):
    """A table."""

    __tablename__ = "loans_of_time_zones"

    id: Mapped[int] = mapped_column(primary_key=True)
    due: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    made: Mapped[datetime]


def refused(statement: str) -> str:
    """Return what is said of a parameter that the driver refused."""
    return said(DBAPIError(statement, (), Exception(MIXED)), History())


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        (f"INSERT INTO leases (id, due) VALUES ($1::INTEGER, $2::{NONE}) RETURNING leases.id", "leases.due"),
        (f"UPDATE leases SET due=$2::{NONE} WHERE leases.id = $1::INTEGER", "leases.due"),
        (f"SELECT leases.id FROM leases WHERE leases.due < $2::{NONE}", "leases.due"),
        (f"SELECT now() - $2::{NONE}", "a column"),
    ],
)
def test_a_column_that_takes_no_zone(statement: str, column: str) -> None:
    """It is named as far as the statement shows it."""
    text = refused(statement)
    assert f"gives {column}, which is {NONE}, a time that has a time zone. [HM798]" in text
    assert f"change: DateTime(timezone=True) for {column}" in text


def test_another_parameter() -> None:
    """Nothing is said of a column that has a zone, nor of an error that names no parameter."""
    assert "HM798" not in refused(f"INSERT INTO leases (due) VALUES ($2::{ZONE})")
    error = DBAPIError("SELECT 1", (), Exception("can't subtract offset-naive and offset-aware datetimes"))
    assert "HM798" not in said(error, History())


def compared(history: History, engine: str, line: str) -> str:
    """Return what is said of a comparison in a line of the test's own file, as it were."""
    file = "tests/test_of_times.py"
    code = f"def test_it(loan, now):\n    {line}\n"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    names: dict[str, object] = {}
    exec(compile(code, file, "exec"), names)
    emit(Statement(TEST, UNKNOWN, engine, 1, "SELECT id, due FROM loans_of_time_zones", "", 1, 0.0))
    loan = Loan(id=1, due=datetime(2026, 1, 1), made=datetime(2026, 1, 1))
    with pytest.raises(TypeError) as caught:
        names["test_it"](loan, datetime.now(UTC))  # type: ignore[operator]
    return said(caught.value, history)


def test_a_zone_that_was_lost(history: History) -> None:
    """The attribute, and the database that keeps none; nothing where it keeps them, or another attribute is meant."""
    text = compared(history, "sqlite+aiosqlite:///a.db", "assert loan.due < now")
    assert (
        "tests/test_of_times.py:2 compares Loan.due, which has no zone here, with a time that has one."
        in text
    )
    assert "of which SQLite keeps no zone. [HM799]" in text
    assert "HM799" not in compared(history, "sqlite+aiosqlite:///a.db", "assert loan.made < now")
    assert "HM799" not in compared(history, "postgresql+asyncpg://h/a", "assert loan.due < now")


def test_a_table_that_nobody_read(history: History) -> None:
    """Nothing is known of its database."""
    loan, now = Loan(due=datetime(2026, 1, 1)), datetime.now(UTC)
    with pytest.raises(TypeError) as caught:
        assert loan.due < now
    assert "HM799" not in said(caught.value, history)
    assert "HM799" not in said(ValueError(str(caught.value)), history)
