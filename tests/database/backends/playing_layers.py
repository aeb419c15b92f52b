"""Layers that come and go in any order, against a model of plain dictionaries; of any backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import pytest
from hypothesis import event
from hypothesis import strategies as st

from hermetic.database.layers import Layer, Start
from hermetic.errors import LayerConflict
from hermetic.owners import Owner

TABLES = ("plain", "keyless", "texts", "flat")

Cell: TypeAlias = tuple[str, int]
Rows: TypeAlias = dict[Cell, object]
Change: TypeAlias = dict[Cell, tuple[object, object]]


@dataclass(frozen=True)
class Write:
    """Set or delete one row."""

    cell: Cell
    value: object


@dataclass(frozen=True)
class SetUp:
    """A wider fixture's set-up: what it writes, and the fixtures that it asks for half-way."""

    steps: tuple[Write | SetUp, ...]


@dataclass(frozen=True)
class TearDown:
    """The end of one of the living fixtures."""

    which: int


NextTest: TypeAlias = Literal["next test"]

writes = st.builds(
    Write,
    cell=st.tuples(st.sampled_from(TABLES), st.integers(1, 3)),
    value=st.sampled_from([None, "a", b"a", 1, 1.0, "", -(2**40)]),
)
set_ups: st.SearchStrategy[SetUp] = st.recursive(
    st.builds(SetUp, st.lists(writes, max_size=3).map(tuple)),
    lambda inner: st.builds(SetUp, st.lists(writes | inner, max_size=4).map(tuple)),
    max_leaves=3,
)
plays = st.lists(
    st.one_of(writes, set_ups, st.builds(TearDown, st.integers(0, 5)), st.just("next test")), max_size=14
)


class Clash(Exception):
    """A change does not fit."""


def changed(rows: Rows, change: Change) -> Rows:
    """Apply a change, or refuse."""
    result = dict(rows)
    for cell, (old, new) in change.items():
        if not alike(result.get(cell), old):
            raise Clash
        result[cell] = new
    return {cell: value for cell, value in result.items() if value is not None}


def alike(one: object, other: object) -> bool:
    """Compare exactly."""
    return type(one) is type(other) and one == other


def inverse(change: Change) -> Change:
    """Turn a change round."""
    return {cell: (new, old) for cell, (old, new) in change.items()}


def change_between(before: Rows, after: Rows) -> Change:
    """Say what differs."""
    cells = before.keys() | after.keys()
    pairs = {cell: (before.get(cell), after.get(cell)) for cell in cells}
    return {cell: pair for cell, pair in pairs.items() if not alike(*pair)}


@dataclass
class Model:
    """The database as dictionaries: what it holds, its baseline, and the living layers as lists of changes."""

    live: Rows
    base: Rows = field(init=False)
    baseline: Rows = field(init=False)
    layers: dict[int, list[Change]] = field(default_factory=dict)
    order: list[Change] = field(default_factory=list)
    ended: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.base = self.baseline = dict(self.live)

    def take(self, before: Rows) -> Change:
        """Take what was written since ``before`` into the baseline."""
        change = change_between(before, self.live)
        self.baseline = changed(self.baseline, change)
        self.order.append(change)
        return change

    def remove(self, number: int) -> bool:
        """Take a layer out; return whether that clashed."""
        mine = self.layers.pop(number)
        self.ended += mine
        while any(self._take_out(change) for change in reversed(list(self.order))):
            pass
        return any(change is one for change in mine for one in self.ended)

    def _take_out(self, change: Change) -> bool:
        if not any(change is one for one in self.ended):
            return False
        try:
            self.baseline = self.without(change)
        except Clash:
            return False
        self.order = [one for one in self.order if one is not change]
        self.ended = [one for one in self.ended if one is not change]
        return True

    def without(self, change: Change) -> Rows:
        """Return the baseline without a change; nothing clashes where no change of a living layer is left."""
        if all(any(one is ended for ended in self.ended) for one in self.order if one):
            return dict(self.base)
        return changed(self.baseline, inverse(change))


class Topmost(Model):
    """Where a change goes only if no later one that is still there touched the same row."""

    def without(self, change: Change) -> Rows:
        """Return the baseline without a change."""
        here = next(index for index, one in enumerate(self.order) if one is change)
        if any(later.keys() & change.keys() for later in self.order[here + 1 :]):
            raise Clash
        return changed(self.baseline, inverse(change))


@dataclass
class Asker:
    """A set-up under way: since when, and the pieces that were taken."""

    start: Start
    before: Rows
    taken: list[Change] = field(default_factory=list)


class Table(Protocol):
    """The rows of a database, by the name of their table and their key."""

    def read(self) -> Rows:
        """Read them all."""

    def write(self, cell: Cell, value: object) -> None:
        """Set a row, or with None delete it."""


class Layered(Protocol):
    """What of a worker database a play needs; see ``hermetic.database.protocols.WorkerDatabase``."""

    def begin_layer(self) -> Start:
        """Note the state before a set-up."""

    def end_layer(self, start: Start, owner: Owner) -> Layer | None:
        """Take what was written since."""

    def remove_layer(self, layer: Layer) -> None:
        """Take it out."""

    def dirty(self) -> bool:
        """Whether it is not at its baseline."""

    def restore(self) -> bool:
        """Bring the baseline back."""


class Play:
    """Does each step both to the database and to the model."""

    def __init__(self, database: Layered, table: Table, model: type[Model] = Model) -> None:
        self.database = database
        self.table = table
        self.model = model(table.read())
        self.layers: dict[int, Layer] = {}
        self.count = 0

    def write(self, step: Write) -> None:
        """Write one row."""
        self.table.write(step.cell, step.value)
        if step.value is None:
            self.model.live.pop(step.cell, None)
        else:
            self.model.live[step.cell] = step.value

    def set_up(self, step: SetUp, asker: Asker | None = None) -> None:
        """Run a fixture's set-up, which another one may have asked for."""
        with self.clashing(asker):
            mine = Asker(self.database.begin_layer(), dict(self.model.live))
        if asker:
            self.take(asker)
        try:
            for inner in step.steps:
                if isinstance(inner, Write):
                    self.write(inner)
                else:
                    self.set_up(inner, mine)
                    mine.before = dict(self.model.live)
        except LayerConflict:
            self.fail(mine)
            raise
        layer = self.end(mine)
        if layer is not None:
            self.take(mine)
            self.count += 1
            self.model.layers[self.count], self.layers[self.count] = mine.taken, layer

    def fail(self, mine: Asker) -> None:
        """End the layer of a set-up that failed because one that it asked for did."""
        with suppress(LayerConflict):
            layer = self.database.end_layer(mine.start, Owner("a failed fixture", "fixture", "module"))
            if layer is not None:
                self.database.remove_layer(layer)

    def end(self, mine: Asker) -> Layer | None:
        """End a set-up's layer."""
        with self.clashing(mine):
            layer = self.database.end_layer(mine.start, Owner(f"fixture {self.count}", "fixture", "module"))
        assert layer is not None or not (mine.taken or change_between(mine.before, self.model.live))
        return layer

    @contextmanager
    def clashing(self, asker: Asker | None) -> Iterator[None]:
        """Look that the model refuses to take what the database refuses to take."""
        try:
            yield
        except LayerConflict:
            assert asker is not None
            with pytest.raises(Clash):
                self.model.take(asker.before)
            raise

    def take(self, asker: Asker) -> None:
        """Take a piece of a set-up into the model's baseline; a commit that changed nothing may make one too."""
        change = self.model.take(asker.before)
        if len(asker.start.changes) > len(asker.taken):
            asker.taken.append(change)
        else:
            assert not change

    def tear_down(self, step: TearDown) -> None:
        """End one of the living fixtures."""
        if not self.layers:
            return
        number = list(self.layers)[step.which % len(self.layers)]
        clashed = self.model.remove(number)
        try:
            self.database.remove_layer(self.layers.pop(number))
        except LayerConflict:
            event("layers that clash when one is removed")
            assert clashed
        else:
            assert not clashed
            assert self.database.dirty()

    def do(self, steps: list[Write | SetUp | TearDown | NextTest]) -> None:
        """Do a whole play: after each restore the rows are the base's and the living layers'; in the end the base's."""
        try:
            for step in steps:
                self.step(step)
            self.next_test()
            while self.layers:
                self.tear_down(TearDown(0))
        except LayerConflict:
            event("a set-up that builds on what its test wrote")
            for layer in self.layers.values():
                with suppress(LayerConflict):
                    self.database.remove_layer(layer)
        self.database.restore()

    def step(self, step: Write | SetUp | TearDown | NextTest) -> None:
        """Do one step of a play."""
        match step:
            case Write():
                self.write(step)
            case SetUp():
                self.set_up(step)
            case TearDown():
                self.tear_down(step)
            case _:
                self.next_test()

    def next_test(self) -> None:
        """Restore, and look."""
        self.database.restore()
        self.model.live = dict(self.model.baseline)
        assert exactly(self.table.read()) == exactly(self.model.live)


def exactly(rows: Rows) -> dict[Cell, tuple[type, object]]:
    """Make rows comparable with their types."""
    return {cell: (type(value), value) for cell, value in rows.items()}
