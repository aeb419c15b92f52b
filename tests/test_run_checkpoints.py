"""Fixtures of random scopes in random order, and tests that write too: each test starts from the right rows.

The real ``Run`` on a real database, driven as pytest drives it: a fixture may be asked for before a test writes or
after (``getfixturevalue``), by another fixture's set-up, and ends with its class, module or session, youngest first.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.orm import Session

from hermetic.owners import Owner, Scope
from hermetic.run import NEVER, Run
from hermetic.settings import Settings

TEST = Owner("a test", "test", "function")

SCOPES: tuple[Scope, ...] = ("class", "module", "session")
SEEDS = 6

metadata = MetaData()
rows = Table("rows", metadata, Column("id", Integer, primary_key=True), Column("name", String, unique=True))


def seed(session: Session) -> None:
    """Write the rows that every test starts from."""
    session.execute(insert(rows), [{"name": f"seed {n}"} for n in range(SEEDS)])


class Fixture:
    """A living fixture: who it is, and what it wrote."""

    def __init__(self, scope: Scope, number: int) -> None:
        self.owner = Owner(f"fixture {number}", "fixture", scope)
        self.added = [f"fixture {number} a", f"fixture {number} b"]
        self.renamed = f"seed {number}" if number < SEEDS else None


class PytestLike(RuleBasedStateMachine):
    """What pytest does with fixtures and tests, told to a run."""

    @initialize()
    def start(self) -> None:
        """Start a run whose first test begins."""
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        names = {"schema": (f"{__name__}:metadata",), "seed": (f"{__name__}:seed",)}
        self.run = Run(Settings(mode="on", **names), root=root, temporary=())  # type: ignore[arg-type]
        self.run.start()
        url = make_url(f"sqlite:///{root}/app.db")
        self.run.databases.declare(url)
        self.engine: Engine = create_engine(url)
        self.living: list[Fixture] = []
        self.count = 0
        self.fresh = True
        self.run.begin_test(NEVER, TEST)

    @rule(scope=st.sampled_from(SCOPES), asks_for=st.none() | st.sampled_from(SCOPES))
    def a_fixture_is_asked_for(self, scope: Scope, asks_for: Scope | None) -> None:
        """It writes rows, perhaps after asking for another that lives at least as long."""
        frame = self.run.checkpoints.begin((fixture := self._next(scope)).owner)
        self._write([fixture.added[0]])
        if asks_for is not None and SCOPES.index(asks_for) >= SCOPES.index(scope):
            self._set_up(self._next(asks_for))
        self._write([fixture.added[1]])
        self._rename(fixture)
        self.run.checkpoints.end(frame)
        self.living.append(fixture)
        self.fresh = False

    def _set_up(self, fixture: Fixture) -> None:
        frame = self.run.checkpoints.begin(fixture.owner)
        self._write(fixture.added)
        self._rename(fixture)
        self.run.checkpoints.end(frame)
        self.living.append(fixture)

    @rule(number=st.integers(0, SEEDS - 1))
    def the_test_writes(self, number: int) -> None:
        """What the test commits is its own."""
        self.count += 1
        self._write([f"test {self.count}"])
        self.fresh = False

    @rule(ended=st.sampled_from([None, *SCOPES]))
    def the_next_test_begins(self, ended: Scope | None) -> None:
        """The test ends, and with it perhaps its class, module or session; the youngest fixture ends first."""
        self.run.end_test(restore=True, ending=frozenset({"function"}))
        gone = SCOPES[: SCOPES.index(ended) + 1] if ended else ()
        for fixture in [each for each in reversed(self.living) if each.owner.scope in gone]:
            self.living.remove(fixture)
            self.run.checkpoints.finish(fixture.owner)
        self.run.begin_test(NEVER, TEST)
        self.fresh = True

    @invariant()
    def a_test_starts_from_the_living_fixtures_rows(self) -> None:
        """Seeds, with the renamings of living fixtures, and the rows that these added; nothing else."""
        if not getattr(self, "fresh", False) or not self.count:
            return
        expected = {f"seed {n}" for n in range(SEEDS)}
        for fixture in self.living:
            expected |= set(fixture.added)
            if fixture.renamed:
                expected = expected - {fixture.renamed} | {f"{fixture.renamed} renamed"}
        with self.engine.connect() as connection:
            assert set(connection.scalars(select(rows.c.name))) == expected

    def teardown(self) -> None:
        """End the run."""
        if hasattr(self, "run"):
            self.engine.dispose()
            self.run.stop()
            self.folder.cleanup()

    def _next(self, scope: Scope) -> Fixture:
        self.count += 1
        return Fixture(scope, self.count)

    def _write(self, names: list[str]) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(rows), [{"name": name} for name in names])

    def _rename(self, fixture: Fixture) -> None:
        with self.engine.begin() as connection:
            if fixture.renamed:
                renamed = {"name": f"{fixture.renamed} renamed"}
                connection.execute(update(rows).where(rows.c.name == fixture.renamed).values(renamed))


TestPytestLike = PytestLike.TestCase
