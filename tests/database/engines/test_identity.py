"""What living Sessions hold, taken out and put back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Engine, ForeignKey, create_engine, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)
from sqlalchemy.pool import StaticPool

from hermetic.database.engines import Installation
from hermetic.database.engines.sessions import Identities
from hermetic.guards.restoring import IdentityGuard
from hermetic.owners import Owner, owned_by

FIXTURE = Owner("fixture 'session'", "fixture", "session")
LIFESPAN = Owner("the lifespan (session scope)", "lifespan", "session")
TEST = Owner("tests/test_x.py::test_it", "test", "function")


class Unequal:
    """What cannot be compared, as an array cannot."""

    def __eq__(self, other: object) -> Any:
        raise ValueError


class Base(DeclarativeBase):
    """The tables."""


class Shelf(Base):
    """With a collection that is a dictionary, and a value that can be changed in its place."""

    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    plain: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    tracked: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(JSON))
    boxes: Mapped[dict[str, Box]] = relationship(
        back_populates="shelf", collection_class=attribute_keyed_dict("name"), cascade="all"
    )


class Box(Base):
    """What lies on it."""

    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelves.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="boxes", cascade="all")


@pytest.fixture
def engine(installation: Installation) -> Iterator[Engine]:
    """A database with the tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A Session of a wider fixture."""
    with owned_by(FIXTURE), Session(engine) as session:
        yield session


@pytest.fixture
def identities(installation: Installation) -> Identities:
    """What the Sessions of the process hold."""
    return installation.identities


def guarded(identities: Identities) -> IdentityGuard:
    """Make what the Sessions hold now the baseline."""
    return IdentityGuard(identities)


def test_a_session_that_holds_nothing_is_not_looked_at(identities: Identities, session: Session) -> None:
    """A closed Session has an empty identity map."""
    assert identities.content() == {}
    assert not identities.has_unflushed()
    session.add(Box(name="a"))
    assert len(identities.content()) == 1
    assert identities.has_unflushed()
    session.close()
    assert identities.content() == {}


def test_sessions_are_looked_at_once_where_nothing_changed(
    identities: Identities, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody asks who is at work in one where no fixture keeps an object: each test ends so."""
    guard, looks = IdentityGuard(identities), 0
    living = identities._sessions.living

    def counted() -> list[Session]:
        nonlocal looks
        looks += 1
        return living()

    monkeypatch.setattr(identities._sessions, "living", counted)
    guard.restore()
    assert looks == 1


def test_what_is_pending(identities: Identities, session: Session) -> None:
    """A test's goes; a fixture's is to be inserted again, whatever became of it."""
    box = Box(name="a")
    session.add(box)
    guard = guarded(identities)
    others = Box(name="b")
    session.add(others)
    session.commit()
    box.name = "changed"
    session.add(unflushed := Box(name="c"))
    guard.restore()
    assert list(session.new) == [box] == list(session)
    assert (box.name, inspect(box).dict.get("id")) == ("a", None)
    assert unflushed not in session and others not in session


def test_a_value_that_was_changed_in_its_place(identities: Identities, session: Session) -> None:
    """It is read again."""
    shelf = Shelf(plain={"a": [1]}, tracked={"a": 1})
    session.add(shelf)
    session.commit()
    session.refresh(shelf)
    guard = guarded(identities)
    assert not guard.changed()
    assert shelf.plain is not None
    shelf.plain["a"].append(2)
    guard.restore()
    assert "plain" not in inspect(shelf).dict
    assert shelf.plain == {"a": [1]}


def test_what_was_not_changed_stays_loaded(identities: Identities, session: Session) -> None:
    """An object of a fixture that nobody touched is not read again."""
    boxes = [Box(name="a"), Box(name="b")]
    session.add_all(boxes)
    session.commit()
    for box in boxes:
        session.refresh(box)
    guard = guarded(identities)
    boxes[0].name = "changed"
    guard.restore()
    assert ["name" in inspect(box).dict for box in boxes] == [False, True]


def test_an_async_session_gives_everything_back(identities: Identities, installation: Installation) -> None:
    """Collections, values that can be changed in their place, and what a test had deleted: without a statement."""

    async def main() -> None:
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        with owned_by(FIXTURE):
            session = AsyncSession(engine, expire_on_commit=False)
        shelf = Shelf(plain={"a": [1]}, tracked={"a": 1}, boxes={"a": Box(name="a")})
        session.add(shelf)
        await session.commit()
        box = shelf.boxes["a"]
        guard = guarded(identities)
        for _ in range(2):
            assert shelf.plain is not None and shelf.tracked is not None
            shelf.plain["a"].append(2)
            shelf.tracked = {"a": 2}
            shelf.boxes["b"] = Box(name="b")
            await session.commit()
            del shelf.boxes["a"]
            session.expire(box)
            guard.restore()
            assert (shelf.plain, shelf.tracked) == ({"a": [1]}, {"a": 1})
            assert list(shelf.boxes) == ["a"] and shelf.boxes["a"] is box and box.shelf is shelf
            assert set(session) == {shelf, box}
            assert not session.dirty
        assert shelf.tracked is not None
        shelf.tracked.update(a=3)
        assert session.dirty
        await session.rollback()
        await session.close()
        await engine.dispose()

    asyncio.run(main())


def test_an_object_that_went_to_another_session(
    identities: Identities, session: Session, engine: Engine
) -> None:
    """It stays there."""
    box = Box(name="a")
    session.add(box)
    session.commit()
    ((key, loaded),) = identities.content().items()
    with Session(engine) as other:
        session.expunge(box)
        other.add(box)
        identities.put_back(key, loaded)
        assert box in other and box not in session


def test_another_object_of_the_same_row(identities: Identities, session: Session) -> None:
    """The fixture's takes its place."""
    box = Box(name="a")
    session.add(box)
    session.commit()
    guard = guarded(identities)
    session.expunge(box)
    other = session.get(Box, 1)
    assert other is not box
    guard.restore()
    assert box in session and other not in session


def test_what_is_gone(identities: Identities, engine: Engine) -> None:
    """A Session or an object that was collected is nobody's."""
    with owned_by(FIXTURE):
        session = Session(engine)
    box = Box(name="a")
    session.add_all([box, Box(name="b")])
    session.commit()
    guard = guarded(identities)
    session.add(box)
    session.close()
    del box
    guard.restore()
    del session
    assert guard.changed()
    guard.restore()


def test_to_attach_an_object_leaves_no_transaction(identities: Identities, session: Session) -> None:
    """``with session.begin()`` is possible in the next test."""
    box = Box(name="a")
    session.add(box)
    session.commit()
    guard = guarded(identities)
    session.close()
    guard.restore()
    assert box in session and not session.in_transaction()
    with session.begin():
        assert box.name == "a"


def test_an_object_goes_without_those_it_leads_to(identities: Identities, session: Session) -> None:
    """A cascade takes a fixture's objects along, which come back."""
    shelf = Shelf(boxes={"a": Box(name="a")})
    session.add(shelf)
    session.commit()
    kept = shelf.boxes["a"]
    guard = guarded(identities)
    stray = Box(name="b")
    shelf.boxes["b"] = stray
    session.commit()
    assert stray.shelf is shelf and len(shelf.boxes) == 2
    guard.restore()
    assert set(session) == {shelf, kept}


def test_what_cannot_be_compared_counts_as_changed(identities: Identities, session: Session) -> None:
    """It is read again."""
    box = Box(name="a")
    session.add(box)
    session.commit()
    session.refresh(box)
    inspect(box).dict["name"] = Unequal()
    guard = guarded(identities)
    inspect(box).dict["name"] = Unequal()
    guard.restore()
    assert box.name == "a"


def test_a_session_that_another_thread_is_in(identities: Identities, session: Session) -> None:
    """It is left as it is, and named; its objects count as unchanged, and are looked at again once it is out."""
    box = Box(name="a")
    session.add(box)
    session.commit()
    guard = guarded(identities)
    began, goes_on = threading.Event(), threading.Event()

    other = Box(name="b")

    def work() -> None:
        with owned_by(TEST):
            session.add(other)
            session.flush()
            began.set()
            goes_on.wait()
            session.commit()

    thread = threading.Thread(target=work, name="poller")
    thread.start()
    began.wait()
    guard.restore()
    assert guard.at_work() == [
        "a Session of fixture 'session', in use by tests/test_x.py::test_it in thread 'poller'"
    ]
    assert guard.changed() == {} and len(list(session)) == 2
    goes_on.set()
    thread.join()
    assert guard.at_work() == []
    session.execute(text("SELECT 1"))
    guard.restore()
    assert list(session) == [box]


def test_a_lifespan_in_a_transaction(identities: Identities, session: Session) -> None:
    """It stands still in the middle of its work, which is not a test's."""
    with owned_by(LIFESPAN):
        session.add(box := Box(name="a"))
        session.flush()
    guard = guarded(identities)
    guard.restore()
    assert box in session and len(list(session)) == 1
    assert len(guard.at_work()) == 1
    session.rollback()
    assert guard.at_work() == []
