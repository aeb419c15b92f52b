"""The baseline as layers: what the seeds made, and what each living wider-scoped fixture wrote on top.

Layers, not a stack: a session fixture that a module's second test is the first to ask for outlives a module fixture
set up before it. What is kept of a fixture is therefore what it *changed*, which can be taken out of the middle.

That is told by comparing the database after its set-up with the database before it, whatever a test had written before
that. A set-up that asks for another fixture half-way makes several changes: what it wrote before, then the other
fixture's layer, then the rest; so a nested layer is counted once, and may build on what its asker wrote.

Here is the order in which that happens, for every backend. How a change is kept, and whether it can be taken out, is
the backend's to say: its ``Store``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from hermetic.errors import LayerConflict
from hermetic.owners import Owner

ASKER = Owner("a fixture that asks for another one in its set-up", "fixture", "process")


@dataclass(eq=False)
class Change:
    """What a fixture wrote between two moments of its set-up.

    Attributes:
        number: Its place in the order in which changes began.
        owner: The fixture.
    """

    number: int
    owner: Owner = ASKER


C = TypeVar("C", bound=Change)


class Store(Protocol[C]):
    """Where the baseline of one worker database lies."""

    def begin(self, number: int) -> None:
        """Note what the database holds: a change begins now, and what is not taken yet is no part of any."""

    def take(self, owner: Owner, others: Sequence[C]) -> C | None:
        """Make what was written since ``begin`` part of the baseline; None when nothing was, or nothing began.

        Args:
            owner: Whose change it is.
            others: The changes that the baseline has.

        Raises:
            LayerConflict: It builds on what is not in the baseline. Nothing of it is taken, now or later.
        """

    def remove(self, change: C, living: Sequence[C], ended: Sequence[C]) -> None:
        """Take a change out of the baseline; the database is as it was until it is restored.

        Args:
            change: It.
            living: The changes that stay.
            ended: Others that are to go as well, and could not yet.

        Raises:
            LayerConflict: What remains does not fit together without it; nothing was done.
        """


@dataclass(eq=False)
class Start:
    """A set-up under way.

    Attributes:
        changes: What it wrote before it asked for other fixtures.
        conflict: Why that could not be taken; then nothing of the set-up is.
    """

    changes: list[Change] = field(default_factory=list)
    conflict: LayerConflict | None = None


@dataclass(eq=False)
class Layer:
    """What one wider-scoped fixture wrote: part of the baseline until the fixture's teardown."""

    owner: Owner
    changes: Sequence[Change]


class Layers(Generic[C]):
    """The layers of one worker database's baseline.

    Args:
        store: Where it lies.
    """

    def __init__(self, store: Store[C]) -> None:
        self._store = store
        self._count = 0
        self._starts: list[Start] = []
        self._living: list[C] = []
        self._ended: list[C] = []

    @property
    def changes(self) -> list[C]:
        """The changes that the baseline has, of fixtures whose set-up may not be over, or whose teardown may be."""
        return self._living + self._ended

    def forget(self) -> None:
        """The database was given a baseline without layers, in the middle of whatever set-up."""
        self._living.clear()
        self._ended.clear()

    def begin(self) -> Start:
        """Note the state before a set-up; calls nest, and each must be ended, in reverse.

        Raises:
            LayerConflict: What the enclosing set-up wrote so far builds on what the test wrote before. The end of that
                one says so again, whatever became of this error: it was not set up either.
        """
        if self._starts:
            self._take(self._starts[-1], ASKER)
        self._begin_change()
        self._starts.append(Start())
        return self._starts[-1]

    def end(self, start: Start, owner: Owner) -> Layer | None:
        """Take what a set-up wrote into the baseline; None when that is nothing.

        Raises:
            LayerConflict: It builds on what the test wrote before the set-up began, now or when it asked for another.
        """
        self._starts.remove(start)
        try:
            self._take(start, owner)
        except LayerConflict:
            self._remove(start.changes)
            raise
        finally:
            if self._starts:
                self._begin_change()
        for change in start.changes:
            change.owner = owner
        return Layer(owner, start.changes) if start.changes else None

    def _begin_change(self) -> None:
        self._count += 1
        self._store.begin(self._count)

    def _take(self, start: Start, owner: Owner) -> None:
        if start.conflict is not None:
            raise _said_of(owner, start.conflict)
        try:
            change = self._store.take(owner, self.changes)
        except LayerConflict as conflict:
            start.conflict = conflict
            raise
        if change is not None:
            self._living.append(change)
            start.changes.append(change)

    def remove(self, layer: Layer) -> None:
        """Take a layer out of the baseline.

        Raises:
            LayerConflict: A later layer builds on it. It then goes together with that one.
        """
        conflicts = self._remove(layer.changes)
        if conflicts:
            raise conflicts[0]

    def _remove(self, changes: Sequence[Change]) -> list[LayerConflict]:
        mine = [one for one in self._living if one in changes]
        self._living = [one for one in self._living if one not in mine]
        conflicts = self.take_out(mine)
        return [conflicts[one] for one in mine if one in conflicts]

    def take_out(self, changes: Sequence[C]) -> dict[C, LayerConflict]:
        """Take changes out that no living fixture has, and those that waited for them, the newest first.

        Returns:
            The changes that have to wait for others to go, and why.
        """
        self._ended += changes
        while True:
            before = len(self._ended)
            conflicts = {}
            for change in sorted(self._ended, key=lambda one: one.number, reverse=True):
                try:
                    self._store.remove(
                        change, self._living, [one for one in self._ended if one is not change]
                    )
                except LayerConflict as conflict:
                    conflicts[change] = conflict
                else:
                    self._ended.remove(change)
            if not conflicts or len(self._ended) == before:
                return conflicts


def _said_of(owner: Owner, conflict: LayerConflict) -> LayerConflict:
    """Name the fixture that was not known yet when it asked for another one."""
    return LayerConflict(
        conflict.what.replace(ASKER.name, owner.name), why=conflict.why, hints=conflict.hints
    )


def conflict(owner: Owner, others: Sequence[Owner], what: str) -> LayerConflict:
    """Name who wrote the same data and does not end in the order in which it began.

    Args:
        owner: Whose change does not fit.
        others: Whoever else wrote there; nobody when that was the test.
        what: The data.
    """
    names = dict.fromkeys(one.name for one in others if one is not owner)
    other = " and ".join(names) or "the test, before it asked for the fixture,"
    return LayerConflict(
        f"{owner.name} and {other} wrote the same data: {what}",
        why="They do not end in the order in which they began, so that neither can be undone alone.",
        hints=(
            "give both fixtures the same scope, or let one use the other",
            "ask for the fixture in the test's arguments, not with getfixturevalue after it has written",
        ),
    )
