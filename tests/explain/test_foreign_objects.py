"""An object that is given to another session than its own: it is said whose it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, ForeignKey, create_engine
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool

from hermetic.explain.history import History
from tests.explain.failing import FIXTURE, said


class Base(DeclarativeBase):
    """The tables of these tests."""


class User(Base):
    """A user."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


class Note(Base):
    """A note of one."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    owner: Mapped[User] = relationship()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine with the tables."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_an_object_that_another_session_holds(engine: Engine, history: History) -> None:
    """Whose session that is, where it was made, and what to do."""
    with Session(engine) as first, Session(engine) as second:
        user = User()
        first.add(user)
        assert "that User belongs to another session. [HM736]" in said(failed(second, user), history)
        first.commit()
        text = said(failed(second, user), history)
    assert (
        f"gives a session the User of another one: that User belongs to the session of {FIXTURE.name}, made"
        in text
    )
    assert f"{__file__}:" in text
    assert "change: await session.merge(...), or await session.get(User, ...)" in text


def failed(session: Session, user: User) -> InvalidRequestError:
    """Add a note of a user to a session that does not hold the user."""
    with pytest.raises(InvalidRequestError) as raised:
        session.add(Note(owner=user))
    session.expunge_all()
    return raised.value


def test_an_object_whose_session_is_closed(engine: Engine, history: History) -> None:
    """Where it was made and closed; of one that never had any that is left out."""
    with Session(engine, expire_on_commit=False) as first:
        user = User()
        first.add(user)
        first.commit()
        first.close()
    with Session(engine) as second:
        for each in (user, User()):
            with pytest.raises(InvalidRequestError) as raised:
                second.refresh(each)
            text = said(raised.value, history)
            assert ("belonged to the session of" in text) == (each is user)
            assert ("belongs to no session, or to another one. [HM736]" in text) == (each is not user)
            assert ("which was closed at" in text) == (each is user)


def test_an_error_without_the_object(history: History) -> None:
    """Raised anew by the project: what is known is said."""

    def raised_anew(state: object) -> None:
        raise InvalidRequestError("Instance '<User at 0x7f>' is not persistent within this Session")

    with pytest.raises(InvalidRequestError) as raised:
        raised_anew(None)
    assert "that User belongs to no session, or to another one. [HM736]" in said(raised.value, history)
