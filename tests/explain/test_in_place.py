"""A value that was changed in its place is named, with the commit that wrote nothing of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Engine, Text, TypeDecorator, create_engine, select
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, configure_mappers, mapped_column
from sqlalchemy.orm.attributes import flag_modified

from hermetic.code import UNKNOWN
from hermetic.database.engines.in_place import forget
from hermetic.events import emit
from hermetic.events.database import Statement
from hermetic.explain.history import History
from hermetic.owners import owned_by
from tests.explain.failing import TEST, said

WRONG = AssertionError("assert [] == ['novel']")


class Written(TypeDecorator[Any]):
    """A type of the project's own."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return json.dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return json.loads(value)


@pytest.fixture
def base(history: History) -> type[DeclarativeBase]:
    """What is mapped while somebody listens."""

    class Base(DeclarativeBase):
        pass

    return Base


@pytest.fixture
def shelf(base: Any) -> Any:
    """A class with columns that do not notice, and one that does at its own level."""

    class Shelf(base):  # type: ignore[misc]
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        tags: Mapped[Any] = mapped_column(JSON, default=list)
        notes: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
        words: Mapped[Any] = mapped_column(Written, default=dict)

    return Shelf


@pytest.fixture
def engine(base: Any, shelf: Any) -> Iterator[Engine]:
    """A database with a row."""
    made = create_engine("sqlite://")
    base.metadata.create_all(made)
    configure_mappers()
    with Session(made) as session:
        session.add(shelf(tags=["old"], notes={"a": {"b": 1}}))
        session.commit()
    yield made
    made.dispose()


def changed(engine: Engine, shelf: Any, change: Callable[[Any], object], history: History) -> str:
    """Change the row, commit, read it, and return what is said of a test that failed then."""
    with owned_by(TEST), Session(engine) as session:
        row = session.scalars(select(shelf)).one()
        change(row)
        session.commit()
    emit(Statement(TEST, UNKNOWN, "sqlite://", 1, "SELECT tags FROM shelves", "", 1, 0.0))
    return said(WRONG, history)


def test_a_list_that_is_appended_to(engine: Engine, shelf: Any, history: History) -> None:
    """The attribute, the commit, and how the column notices."""
    text = changed(engine, shelf, lambda row: row.tags.append("novel"), history)
    assert f"Shelf.tags, a list, was changed in its place, and the commit at {__file__}:" in text
    assert "[HM739]" in text
    assert "change: Shelf.tags: MutableList.as_mutable(...)" in text


def test_what_a_mutable_does_not_notice(engine: Engine, shelf: Any, history: History) -> None:
    """What is below it."""
    text = changed(engine, shelf, lambda row: row.notes["a"].update(b=2), history)
    assert "Shelf.notes, a MutableDict, was changed below its own level" in text
    assert "as_mutable" not in text


def flagged(row: Any) -> None:
    """Change it, and say so."""
    row.tags.append("novel")
    flag_modified(row, "tags")


def put_back(row: Any) -> None:
    """Give it another value, as a restore does."""
    row.tags.append("novel")
    forget(row._sa_instance_state)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: setattr(row, "tags", ["new"]),
        flagged,
        lambda row: row.notes.update(c=1),
        lambda row: row.tags,
        lambda row: row.words.update(a=1),
        put_back,
    ],
    ids=["set", "flagged", "noticed", "only read", "a type that nobody knows", "put back by hermetic"],
)
def test_what_is_written(engine: Engine, shelf: Any, history: History, change: Any) -> None:
    """Nothing is said."""
    assert "HM739" not in changed(engine, shelf, change, history)


def test_what_is_changed_after_it_was_written(engine: Engine, shelf: Any, history: History) -> None:
    """What a flush has written is what is compared with; what a refresh has read, too."""

    def change(row: Any) -> None:
        session = Session.object_session(row)
        assert session is not None
        row.tags = ["new"]
        session.flush()
        session.refresh(row, ["words"])

    assert "HM739" not in changed(engine, shelf, change, history)
    assert "HM739" in changed(engine, shelf, lambda row: row.tags.clear(), history)


def test_what_nobody_has_read_since(engine: Engine, shelf: Any, history: History) -> None:
    """It makes no difference to a test."""
    with owned_by(TEST), Session(engine) as session:
        row = session.scalars(select(shelf)).one()
        row.tags.append("novel")
        session.commit()
    assert "HM739" not in said(WRONG, history)


def test_nobody_listens_any_more(engine: Engine, shelf: Any, history: History) -> None:
    """The class is left as it was."""
    before = len(shelf._sa_class_manager.dispatch.load)
    history.stop()
    assert len(shelf._sa_class_manager.dispatch.load) == before - 1
    history.start()
