"""A column that a model has and its table has not: whoever made the table is named."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import Statement
from hermetic.events.lifecycle import ContentsFound
from hermetic.explain import columns
from hermetic.explain.definitions import base_of, has_column
from hermetic.explain.failure import Failure
from hermetic.explain.history import History
from tests.explain.failing import FIXTURE, TEST, said

MADE = Location("tests/conftest.py", 9, "tables")


class Base(DeclarativeBase):
    """What the model belongs to."""


class Pilot(Base):
    """A model with a column that its table lacks."""

    __tablename__ = "pilots"
    id: Mapped[int] = mapped_column(primary_key=True)
    licence: Mapped[str]


def failed(statement: str) -> OperationalError:
    """Ask a table that was made without the column."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pilots (id INTEGER)"))
        with pytest.raises(OperationalError) as raised:
            connection.execute(text(statement))
    engine.dispose()
    return raised.value


@pytest.mark.parametrize(
    "statement", ["SELECT pilots.licence FROM pilots", "INSERT INTO pilots (licence) VALUES (1)"]
)
def test_a_table_that_a_fixture_has_made(history: History, statement: str) -> None:
    """The model, the fixture and its line."""
    emit(Statement(FIXTURE, MADE, "sqlite://", 1, "CREATE TABLE pilots (id INTEGER)", "", 0, 0.0))
    told = said(failed(statement), history)
    assert "asked for pilots.licence, which Pilot (" in told
    assert f"it was made by {FIXTURE.name}, at {MADE}. [HM754]" in told
    assert f"change: {MADE}: make the table from the model" in told


def test_a_table_that_nobody_was_seen_to_make(history: History) -> None:
    """It was made before; or by hermetic, from the migrations, of which one is missing."""
    error = failed("SELECT pilots.licence FROM pilots")
    assert "it was made by somebody before the tests. [HM754]" in said(error, history)
    emit(ContentsFound(("alembic.ini",)))
    told = said(error, history)
    assert "it was made by hermetic, by alembic.ini. [HM754]" in told
    assert "change: alembic revision --autogenerate" in told


def test_what_no_model_has(history: History) -> None:
    """SQL that is wrong, and an error that came from elsewhere."""
    assert said(failed("SELECT pilots.age FROM pilots"), history) == ""
    assert said(failed("SELECT planes.age FROM pilots AS planes"), history) == ""
    assert said(ValueError("no such column: pilots.licence"), history) == ""


@pytest.mark.parametrize(
    "message",
    ["column pilots.licence does not exist", 'column "licence" of relation "pilots" does not exist'],
)
def test_what_postgresql_says(history: History, message: str) -> None:
    """The same in its words."""
    error = failed("SELECT pilots.licence FROM pilots")
    other = OperationalError("SELECT 1", {}, Exception(message)).with_traceback(error.__traceback__)
    assert "pilots.licence, which Pilot" in "".join(
        map(str, columns.explain(Failure(TEST, "call", other), history))
    )


def test_whose_a_table_is() -> None:
    """The class whose MetaData has it."""
    assert base_of("pilots") == f"{__name__}.Base"
    assert base_of("nobody_s") == ""
    assert not has_column("nobody_s", "id")
