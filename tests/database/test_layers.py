"""Tests of the order in which layers come and go, over a store of plain dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given

from hermetic.database.layers import Change, Layer, Layers, Start, conflict
from hermetic.errors import LayerConflict
from hermetic.owners import Owner
from tests.database.backends import playing_layers
from tests.database.backends.playing_layers import Cell, NextTest, Play, Rows, SetUp, TearDown, Write, plays


@dataclass(eq=False, kw_only=True)
class RowsChanged(Change):
    """What became of which rows."""

    rows: playing_layers.Change


@dataclass
class Dictionary:
    """A database of rows, and the store of its baseline; whatever was called is noted.

    Attributes:
        live: What it holds.
        baseline: What it goes back to.
        calls: What its layers asked for.
    """

    live: Rows = field(default_factory=dict)
    baseline: Rows = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.baseline = dict(self.live)
        self.base = dict(self.live)
        self.layers: Layers[RowsChanged] = Layers(self)
        self._began: tuple[int, Rows] | None = None

    # -- the store

    def begin(self, number: int) -> None:
        """Note the rows."""
        self.calls.append(f"begin {number}")
        self._began = (number, dict(self.live))

    def take(self, owner: Owner, others: Sequence[RowsChanged]) -> RowsChanged | None:
        """Change the baseline's rows likewise."""
        if self._began is None:
            return None
        (number, before), self._began = self._began, None
        rows = playing_layers.change_between(before, self.live)
        if not rows:
            return None
        self.calls.append(f"take {number}")
        change = RowsChanged(number, owner, rows=rows)
        self.baseline = self._changed(change, rows, others)
        return change

    def remove(
        self, change: RowsChanged, living: Sequence[RowsChanged], ended: Sequence[RowsChanged]
    ) -> None:
        """Change them back."""
        self.calls.append(f"remove {change.number}")
        if not living:
            self.baseline = dict(self.base)
        else:
            self.baseline = self._changed(change, playing_layers.inverse(change.rows), [*living, *ended])

    def _changed(
        self, change: RowsChanged, rows: playing_layers.Change, others: Sequence[RowsChanged]
    ) -> Rows:
        try:
            return playing_layers.changed(self.baseline, rows)
        except playing_layers.Clash:
            owners = [one.owner for one in others if one.rows.keys() & rows.keys()]
            raise conflict(change.owner, owners, str(sorted(rows))) from None

    # -- the worker database

    def begin_layer(self) -> Start:
        """See ``Layers``."""
        return self.layers.begin()

    def end_layer(self, start: Start, owner: Owner) -> Layer | None:
        """See ``Layers``."""
        return self.layers.end(start, owner)

    def remove_layer(self, layer: Layer) -> None:
        """See ``Layers``."""
        self.layers.remove(layer)

    def dirty(self) -> bool:
        """Compare all rows; what a play asks for after a teardown that took nothing visible away."""
        return True

    def restore(self) -> bool:
        """Put the baseline's rows back."""
        self.live = dict(self.baseline)
        return True

    # -- its rows

    def read(self) -> Rows:
        """Return them."""
        return dict(self.live)

    def write(self, cell: Cell, value: object) -> None:
        """Set or delete one."""
        self.live = playing_layers.changed(self.live, {cell: (self.live.get(cell), value)})


ROW, OTHER, THIRD = ("plain", 1), ("plain", 2), ("plain", 3)


@pytest.fixture
def store() -> Dictionary:
    """A database with one row."""
    return Dictionary({ROW: "one"})


def fixture(name: str) -> Owner:
    """Return the owner of what a fixture writes."""
    return Owner(f"fixture {name!r}", "fixture", "module")


def layer(store: Dictionary, name: str, *cells: Cell) -> Layer:
    """Have a fixture write its name into some rows."""
    start = store.layers.begin()
    for cell in cells:
        store.write(cell, name)
    made = store.layers.end(start, fixture(name))
    assert made is not None
    return made


def test_what_a_fixture_wrote_is_there_until_it_ends(store: Dictionary) -> None:
    """And what a test wrote beside it is not."""
    made = layer(store, "users", OTHER)
    store.write(THIRD, "of a test")
    store.restore()
    assert store.live == {ROW: "one", OTHER: "users"}
    store.layers.remove(made)
    assert (store.baseline, store.layers.changes) == ({ROW: "one"}, [])


def test_a_set_up_that_writes_nothing_makes_no_layer(store: Dictionary) -> None:
    """Also beside what the test wrote before."""
    store.write(ROW, "of the test")
    assert store.layers.end(store.layers.begin(), fixture("idle")) is None
    assert store.layers.changes == []


def test_a_set_up_that_asks_for_another_makes_two_changes(store: Dictionary) -> None:
    """What it wrote before and after; both are its own when it is over, and the inner one's stays without them."""
    outer = store.layers.begin()
    store.write(ROW, "outer")
    inner = layer(store, "inner", OTHER)
    store.write(THIRD, "outer")
    made = store.layers.end(outer, fixture("outer"))
    assert made is not None
    assert [(one.number, one.owner.name) for one in made.changes] == [
        (1, "fixture 'outer'"),
        (3, "fixture 'outer'"),
    ]
    store.layers.remove(made)
    assert store.baseline == {ROW: "one", OTHER: "inner"}
    store.layers.remove(inner)
    assert store.baseline == {ROW: "one"}


def test_one_on_top_of_another_holds_it(store: Dictionary) -> None:
    """The one that ends first is told who else wrote the row, and goes with that one."""
    first, second = layer(store, "first", ROW), layer(store, "second", ROW)
    with pytest.raises(LayerConflict, match="fixture 'first' and fixture 'second' wrote the same data"):
        store.layers.remove(first)
    assert store.baseline == {ROW: "second"}
    store.layers.remove(second)
    assert (store.baseline, store.layers.changes) == ({ROW: "one"}, [])


def test_those_that_waited_go_as_soon_as_they_can(store: Dictionary) -> None:
    """While others live, the newest first, and again for as long as that makes way."""
    stays = layer(store, "stays", THIRD)
    first, second, third = (layer(store, name, ROW) for name in ("first", "second", "third"))
    for one in (first, second):
        with pytest.raises(LayerConflict):
            store.layers.remove(one)
    store.calls.clear()
    store.layers.remove(third)
    assert store.calls == ["remove 4", "remove 3", "remove 2"]
    assert store.layers.changes == list(stays.changes)
    assert store.baseline == {ROW: "one", THIRD: "stays"}


def test_the_reason_is_that_of_the_last_try(store: Dictionary) -> None:
    """A change that could go once a newer one had gone is no conflict, though it was one before."""
    layer(store, "stays", THIRD)
    outer = store.layers.begin()
    store.write(ROW, "outer")
    inner = layer(store, "inner", OTHER)
    store.write(ROW, "outer again")
    made = store.layers.end(outer, fixture("outer"))
    assert made is not None
    store.layers.remove(made)
    assert store.baseline == {ROW: "one", OTHER: "inner", THIRD: "stays"}
    store.layers.remove(inner)


def test_a_set_up_on_what_the_test_wrote(store: Dictionary) -> None:
    """It is told; nothing of it is taken, nor what it wrote before it asked for another fixture."""
    store.write(ROW, "of the test")
    outer = store.layers.begin()
    store.write(THIRD, "outer")
    layer(store, "inner", OTHER)
    store.write(ROW, "outer")
    with pytest.raises(
        LayerConflict, match="fixture 'outer' and the test, before it asked for the fixture, wrote"
    ):
        store.layers.end(outer, fixture("outer"))
    assert store.baseline == {ROW: "one", OTHER: "inner"}


def test_one_that_fails_inside_another(store: Dictionary) -> None:
    """The one that asked for it goes on from there: what the failed one wrote is not its own."""
    store.write(ROW, "of the test")
    outer = store.layers.begin()
    inner = store.layers.begin()
    store.write(ROW, "inner")
    with pytest.raises(LayerConflict, match="fixture 'inner'"):
        store.layers.end(inner, fixture("inner"))
    store.write(OTHER, "outer")
    assert store.layers.end(outer, fixture("outer")) is not None
    assert store.baseline == {ROW: "one", OTHER: "outer"}


def test_an_asker_on_what_the_test_wrote(store: Dictionary) -> None:
    """It is told when it asks, by a name that stands for it, and at its end by its own: nothing of it was taken."""
    store.write(ROW, "of the test")
    outer = store.layers.begin()
    store.write(THIRD, "outer")
    layer(store, "inner", OTHER)
    store.write(ROW, "outer")
    with pytest.raises(LayerConflict, match="a fixture that asks for another one in its set-up and the test"):
        store.layers.begin()
    with pytest.raises(
        LayerConflict, match="fixture 'outer' and the test, before it asked for the fixture, wrote"
    ):
        store.layers.end(outer, fixture("outer"))
    assert store.baseline == {ROW: "one", OTHER: "inner"}


def test_an_asker_that_goes_on_without_what_it_asked_for(store: Dictionary) -> None:
    """Whatever it writes or asks for then is no layer; the one that asked for it goes on from there."""
    store.write(ROW, "of the test")
    outer = store.layers.begin()
    asker = store.layers.begin()
    store.write(ROW, "asker")
    for _ in range(2):
        with pytest.raises(
            LayerConflict, match="a fixture that asks for another one in its set-up and the test"
        ):
            store.layers.begin()
        store.write(THIRD, "asker")
    with pytest.raises(LayerConflict, match="fixture 'asker' and the test"):
        store.layers.end(asker, fixture("asker"))
    store.write(OTHER, "outer")
    assert store.layers.end(outer, fixture("outer")) is not None
    assert store.baseline == {ROW: "one", OTHER: "outer"}


def test_a_baseline_without_layers(store: Dictionary) -> None:
    """One that is marked anew has none; what ends later finds nothing of its own."""
    made = layer(store, "users", OTHER)
    store.layers.forget()
    assert store.layers.changes == []
    store.layers.remove(made)
    assert store.baseline == {ROW: "one", OTHER: "users"}


@given(steps=plays)
def test_any_order_of_layers(steps: list[Write | SetUp | TearDown | NextTest]) -> None:
    """After each restore the rows are the base's and the living layers', and at the end the base is back whole."""
    store = Dictionary({(table, 1): "one" for table in playing_layers.TABLES})
    before = store.read()
    Play(store, store).do(steps)
    assert store.live == before
