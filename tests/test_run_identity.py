"""Sessions that outlive tests: after any of them, they hold what living fixtures put there, as the baseline has it.

The real ``Run`` on a real database, as in ``test_run_checkpoints.py``; one Session for all, of each kind.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import ForeignKey, create_engine, inspect, make_url, select, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from hermetic.owners import Owner, Scope, owned_by
from hermetic.run import NEVER, Run
from hermetic.settings import Settings

SCOPES: tuple[Scope, ...] = ("class", "module", "session")
KINDS = ("sync", "sync, nothing expires", "async", "async, nothing expires")
EVERYBODY = Owner("fixture 'session'", "fixture", "session")
TEST = Owner("a test", "test", "function")
T = TypeVar("T")


class Base(DeclarativeBase):
    """The tables."""


class Author(Base):
    """A parent."""

    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author", cascade="all, delete-orphan")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "author"}  # noqa: RUF012


class Poet(Author):
    """One in a table of its own."""

    __tablename__ = "poets"
    id: Mapped[int] = mapped_column(ForeignKey("authors.id"), primary_key=True)
    verse: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "poet"}  # noqa: RUF012


class Book(Base):
    """A child, whose key has two columns."""

    __tablename__ = "books"
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"), primary_key=True)
    title: Mapped[str] = mapped_column(primary_key=True)
    author: Mapped[Author] = relationship(back_populates="books")


class Fixture:
    """A living fixture: who it is, its object, and what that is to hold."""

    def __init__(self, scope: Scope, number: int) -> None:
        self.owner = Owner(f"fixture {number}", "fixture", scope)
        self.name = f"fixture {number}"
        self.author: Author = Poet(name=self.name, verse="iamb") if number % 2 else Author(name=self.name)
        self.author.books = [Book(title="first")]
        self.rank = SCOPES.index(scope)
        self.first_name = self.name
        self.renames: Fixture | None = None
        self.loaded: set[str] = set()

    def titles(self) -> list[str]:
        """The books of its author."""
        return [book.title for book in self.author.books]


class Shared:
    """One Session for the whole run, used by fixtures and tests."""

    def __init__(self, kind: str, path: Path) -> None:
        self.is_async = kind.startswith("async")
        expires = "nothing expires" not in kind
        self.loop = asyncio.new_event_loop()
        self.engine = create_engine(f"sqlite:///{path}")
        self.async_engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        self.asynchronous = AsyncSession(self.async_engine, expire_on_commit=expires)
        self.session = (
            self.asynchronous.sync_session
            if self.is_async
            else Session(self.engine, expire_on_commit=expires)
        )

    def run(self, function: Callable[[Session], T]) -> T:
        """Use the Session as its kind is used."""
        if not self.is_async:
            return function(self.session)
        return self.loop.run_until_complete(self.asynchronous.run_sync(function))

    def close(self) -> None:
        """Leave nothing open."""
        self.run(lambda session: session.close())
        self.engine.dispose()
        self.loop.run_until_complete(self.async_engine.dispose())
        self.loop.close()


class PytestLike(RuleBasedStateMachine):
    """What pytest does with fixtures and tests, told to a run, with one Session throughout."""

    @initialize(kind=st.sampled_from(KINDS))
    def start(self, kind: str) -> None:
        """Start a run whose first test begins."""
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.run = Run(Settings(mode="on", schema=(f"{__name__}:Base",)), root=root, temporary=())
        self.run.start()
        self.run.databases.declare(make_url(f"sqlite:///{root}/app.db"))
        self.application = create_engine(f"sqlite:///{root}/app.db")
        with owned_by(EVERYBODY):
            self.shared = Shared(kind, root / "app.db")
        self.living: list[Fixture] = []
        self.kept: list[Author] = []  # by a test module's variable, say: the Session holds them weakly
        self.count = 0
        self.fresh, self.deleted = True, False
        self.run.begin_test(NEVER, TEST)

    @rule(scope=st.sampled_from(SCOPES), renames=st.booleans(), refreshes=st.booleans())
    def a_fixture_is_asked_for(self, scope: Scope, renames: bool, refreshes: bool) -> None:
        """It makes objects; before the test did anything, it may rename that of a fixture that outlives it."""
        if self.deleted:  # ids of rows that the test deleted are given again
            return
        if not self.fresh:
            self._use(lambda session: session.commit())
            renames = False
        self.count += 1
        fixture = Fixture(scope, self.count)
        wider = [each for each in self.living if each.rank > fixture.rank and each.name == each.first_name]
        if renames and wider:
            fixture.renames, wider[-1].name = wider[-1], f"renamed by fixture {self.count}"

        def set_up(session: Session) -> None:
            session.add(fixture.author)
            for each in self.living:
                if each is fixture.renames:
                    each.author.name = each.name
            session.commit()
            if refreshes:
                session.refresh(fixture.author, ["id", "name", "books"])
                session.rollback() if not session.expire_on_commit else None

        before = {each: set(inspect(each.author).dict) for each in self.living}
        frame = self.run.checkpoints.begin(fixture.owner)
        self._use(set_up, fixture.owner)
        self.run.checkpoints.end(frame)
        self.living.append(fixture)
        for each in self.living:
            now = set(inspect(each.author).dict)
            # What was loaded before, by whoever looked at it in between, is no part of what the set-up did.
            by_the_set_up = each is fixture or (self.fresh and now != before[each])
            each.loaded = now if by_the_set_up else each.loaded & now

    @rule(number=st.integers(0, 3), child=st.booleans())
    def the_test_adds(self, number: int, child: bool) -> None:
        """An object of its own, or one that hangs on a fixture's."""
        self.fresh = False
        author = self._pick(number)
        self.count += 1

        def add(session: Session) -> None:
            if child and author is not None and author in session:
                author.books.append(Book(title=f"test {self.count}"))
            else:
                self.kept.append(Author(name=f"test {self.count}", books=[Book(title="of the test")]))
                session.add(self.kept[-1])
            session.commit()

        self._use(add)

    @rule(number=st.integers(0, 3), flushes=st.booleans())
    def the_test_renames(self, number: int, flushes: bool) -> None:
        """A fixture's object, by the Session that all share; perhaps it never writes that."""
        self.fresh = False
        author = self._pick(number)

        def rename(session: Session) -> None:
            if author is not None and author in session:
                author.name = "renamed by the test"
            if flushes:
                session.commit()

        self._use(rename)

    @rule()
    def the_application_renames(self) -> None:
        """A fixture's row, in a Session of its own; the shared one reads that."""
        self.fresh = False
        self._use(lambda session: session.commit())
        with Session(self.application) as session:
            session.execute(update(Author).values(name="renamed by the application"))
            session.commit()

        def read(session: Session) -> None:
            self.kept.extend(session.scalars(select(Author).execution_options(populate_existing=True)))
            session.commit()

        self._use(read)

    @rule(number=st.integers(0, 3), flushes=st.booleans())
    def the_test_deletes(self, number: int, flushes: bool) -> None:
        """A fixture's object and what hangs on it; perhaps it never writes that."""
        self.fresh, self.deleted = False, True
        author = self._pick(number)

        def delete(session: Session) -> None:
            if author is not None and author in session:
                session.delete(author)
            if flushes:
                session.commit()

        self._use(delete)

    @rule(how=st.sampled_from(["add", "expire_all", "expunge_all", "close"]))
    def the_test_leaves(self, how: str) -> None:
        """What no commit of the shared Session sees."""
        self.fresh = False
        with Session(self.application) as session:
            session.add(Author(name="of the application"))
            session.commit()
        if how == "add":
            self._use(lambda session: session.add(Author(name="never flushed")))
        else:
            self._use(lambda session: getattr(session, how)())

    @rule(ended=st.sampled_from([None, *SCOPES]))
    def the_next_test_begins(self, ended: Scope | None) -> None:
        """The test ends, and with it perhaps its class, module or session; the youngest fixture ends first."""
        self.run.end_test(restore=True, ending=frozenset({"function"}))
        gone = SCOPES[: SCOPES.index(ended) + 1] if ended else ()
        for fixture in [each for each in reversed(self.living) if each.owner.scope in gone]:
            self.living.remove(fixture)
            self.run.checkpoints.finish(fixture.owner)
            if fixture.renames is not None:
                fixture.renames.name = fixture.renames.first_name
                fixture.renames.loaded = set()
        self.run.begin_test(NEVER, TEST)
        self.fresh, self.deleted = True, False
        self._look()

    def _look(self) -> None:
        session = self.shared.session
        assert not session.new and not session.dirty and not session.deleted
        assert {each for each in session if isinstance(each, Author)} == {each.author for each in self.living}
        for fixture in self.living:
            if self.shared.is_async:  # read without a greenlet
                assert fixture.loaded <= set(inspect(fixture.author).dict)
                assert "name" not in fixture.loaded or fixture.author.name == fixture.name
                assert "books" not in fixture.loaded or fixture.titles() == ["first"]

        def read(session: Session) -> None:
            names = {each.id: each.name for each in session.scalars(select(Author))}
            assert sorted(names.values()) == sorted(each.name for each in self.living)
            for fixture in self.living:
                assert session.get(Author, fixture.author.id) is fixture.author
                assert (fixture.author.name, fixture.titles()) == (fixture.name, ["first"])

        self.shared.run(lambda session: session.expire_all() if not self.shared.is_async else None)
        self._use(read)

    def _pick(self, number: int) -> Author | None:
        return self.living[number % len(self.living)].author if self.living else None

    def _use(self, function: Callable[[Session], Any], owner: Owner = TEST) -> None:
        with owned_by(owner), self.shared.session.no_autoflush:
            self.shared.run(function)

    def teardown(self) -> None:
        """End the run."""
        if hasattr(self, "run"):
            self.shared.close()
            self.application.dispose()
            self.run.stop()
            self.folder.cleanup()


TestPytestLike = PytestLike.TestCase


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_test_read_in_the_place_of_a_fixture_s_object(kind: str) -> None:
    """A Session that was closed reads the row into another object: a later fixture's set-up does not make it stay."""
    machine = PytestLike()
    machine.start(kind=kind)
    try:
        machine.a_fixture_is_asked_for(scope="module", renames=False, refreshes=True)
        machine.the_test_leaves(how="close")
        machine.the_application_renames()
        machine.a_fixture_is_asked_for(scope="module", renames=False, refreshes=True)
        machine.the_next_test_begins(ended=None)
    finally:
        machine.teardown()
