"""Random suites: fixtures of every scope that write rows and change the schema, and tests among them; of any backend.

What the database should hold is not modelled: it is all that it held when the same fixtures had last been set up. A
fixture may refuse to be taken out alone (``LayerConflict``); then only the end counts, when all are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hypothesis import event
from hypothesis import strategies as st

from hermetic.database.layers import Layer
from hermetic.database.protocols import WorkerDatabase
from hermetic.errors import LayerConflict
from hermetic.owners import Owner, Scope

SCOPES: tuple[Scope, ...] = ("class", "module", "session")


@dataclass(frozen=True)
class SetUp:
    """A wider fixture's set-up: its statements, and the fixtures that it asks for half-way."""

    scope: Scope
    steps: tuple[str | SetUp, ...]


@dataclass(frozen=True)
class Test:
    """A test: its statements."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class End:
    """The end of a class or a module, and of the fixtures that live no longer than it."""

    scope: Scope


Suite: TypeAlias = list[SetUp | Test | End]


def suites(statements: st.SearchStrategy[str]) -> st.SearchStrategy[Suite]:
    """Return random suites whose fixtures and tests run some of these statements."""
    scopes = st.sampled_from(SCOPES)
    simple = st.builds(SetUp, scopes, st.lists(statements, min_size=1, max_size=3).map(tuple))
    nested = st.builds(SetUp, scopes, st.tuples(statements, simple, statements))
    tests = st.builds(Test, st.lists(statements, max_size=3).map(tuple))
    ends = st.builds(End, st.sampled_from(SCOPES[:2]))
    return st.lists(st.one_of(simple, simple, nested, tests, tests, ends), max_size=8)


@dataclass
class Living:
    """A fixture that was set up."""

    number: int
    scope: Scope
    layer: Layer


@dataclass
class Play:
    """Does a suite as a run does it.

    Args:
        database: What is tested.
        run: Runs a statement as the application; what fails is part of the play.
        dump: Returns all that the database holds.
    """

    database: WorkerDatabase
    run: Callable[[str], None]
    dump: Callable[[], Any]
    living: list[Living] = field(default_factory=list)
    stuck: bool = False
    seen: dict[tuple[int, ...], Any] = field(default_factory=dict)
    count: int = 0

    def do(self, suite: Suite) -> None:
        """Do a suite: after each of its tests the database is as before, and in the end as at first."""
        self.seen[()] = self.dump()
        for step in suite:
            match step:
                case SetUp():
                    self.database.restore()
                    self.set_up(step)
                    self.seen[self.key()] = self.dump()
                case Test():
                    self.test(step)
                case End():
                    self.end(SCOPES.index(step.scope))
        self.end(len(SCOPES))

    def key(self) -> tuple[int, ...]:
        """Tell which fixtures live."""
        return tuple(each.number for each in self.living)

    def set_up(self, step: SetUp, narrowest: int = 0) -> None:
        """Run a fixture's set-up; one that another asks for lives as long as that one at least."""
        scope = max(narrowest, SCOPES.index(step.scope))
        start = self.database.begin_layer()
        for inner in step.steps:
            if isinstance(inner, SetUp):
                self.set_up(inner, scope)
            else:
                self.run(inner)
        self.count += 1
        layer = self.database.end_layer(start, Owner(f"fixture {self.count}", "fixture", SCOPES[scope]))
        if layer is not None:
            self.living.append(Living(self.count, SCOPES[scope], layer))

    def test(self, step: Test) -> None:
        """Restore, run a test, restore, and look."""
        self.database.restore()
        for statement in step.steps:
            self.run(statement)
        self.database.restore()
        self.look()

    def end(self, scope: int) -> None:
        """End the fixtures of a scope and of narrower ones, the last first; then the next test begins."""
        ending = [each for each in self.living if SCOPES.index(each.scope) <= scope]
        for each in reversed(ending):
            self.living.remove(each)
            try:
                self.database.remove_layer(each.layer)
            except LayerConflict:
                event("a layer that cannot go alone")
                self.stuck = True
        self.database.restore()
        self.stuck = self.stuck and bool(self.living)
        self.look()

    def look(self) -> None:
        """Compare with what there was when just these fixtures lived."""
        found = self.dump()
        if self.stuck:  # nobody knows what of it went meanwhile
            self.seen.clear()
        assert found == self.seen.setdefault(self.key(), found)
        assert not self.database.dirty()
