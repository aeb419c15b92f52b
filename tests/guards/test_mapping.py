"""Mappings that are put back: the environment and dependency overrides."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hermetic.guards.mapping import MISSING, MappingGuard


def test_what_a_test_changed_is_undone() -> None:
    """Values set, replaced and removed since the baseline come back."""
    mapping = {"kept": "1", "replaced": "1", "removed": "1"}
    guard = MappingGuard(mapping)
    mapping.update(replaced="2", added="2")
    del mapping["removed"]
    assert guard.changed() == {"replaced": ("1", "2"), "removed": ("1", MISSING), "added": (MISSING, "2")}
    guard.restore()
    assert mapping == {"kept": "1", "replaced": "1", "removed": "1"}


def test_what_others_own_is_ignored() -> None:
    """Ignored keys may change at any time."""
    mapping = {"PYTEST_CURRENT_TEST": "a"}
    guard = MappingGuard(mapping, ignore=frozenset({"PYTEST_CURRENT_TEST"}))
    mapping["PYTEST_CURRENT_TEST"] = "b"
    guard.restore()
    assert mapping == {"PYTEST_CURRENT_TEST": "b"}


def test_what_a_wider_fixture_set_stays_until_its_teardown() -> None:
    """A layer survives restores, and goes when it is removed."""
    mapping: dict[str, str] = {}
    guard = MappingGuard(mapping)
    start = guard.begin_layer()
    mapping["TOKEN"] = "session"
    layer = guard.end_layer(start)
    assert layer is not None
    mapping["TOKEN"] = "test"
    guard.restore()
    assert mapping == {"TOKEN": "session"}
    guard.remove_layer(layer)
    assert mapping == {}


def test_a_fixture_that_changes_nothing_makes_no_layer() -> None:
    """Nothing changed, nothing kept."""
    guard = MappingGuard({"a": "1"})
    assert guard.end_layer(guard.begin_layer()) is None


def test_a_nested_fixture_is_counted_once() -> None:
    """What an inner fixture set is the inner fixture's, not the outer one's too."""
    mapping: dict[str, str] = {}
    guard = MappingGuard(mapping)
    outer_start, inner_start = guard.begin_layer(), guard.begin_layer()
    mapping["inner"] = "1"
    inner = guard.end_layer(inner_start)
    mapping["outer"] = "1"
    outer = guard.end_layer(outer_start)
    assert outer is not None and inner is not None
    guard.remove_layer(outer)
    assert mapping == {"inner": "1"}


class Layers(RuleBasedStateMachine):
    """Fixtures set keys and end in any order; a key shows the youngest living layer that set it."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping: dict[str, int] = {"base": 0}
        self.guard: MappingGuard[str, int] = MappingGuard(self.mapping)
        self.living: list[tuple[Any, dict[str, int]]] = []
        self.counter = 0

    keys = st.sampled_from(["base", "a", "b"])

    @rule(keys=st.lists(keys, min_size=1, unique=True))
    def fixture_sets(self, keys: list[str]) -> None:
        """A wider fixture sets some keys to values of its own."""
        self.guard.restore()
        start = self.guard.begin_layer()
        self.counter += 1
        for key in keys:
            self.mapping[key] = self.counter
        self.living.append((self.guard.end_layer(start), dict.fromkeys(keys, self.counter)))

    @precondition(lambda self: self.living)
    @rule(data=st.data())
    def fixture_ends(self, data: st.DataObject) -> None:
        """A fixture ends, whatever came after it."""
        layer, _ = self.living.pop(data.draw(st.integers(0, len(self.living) - 1)))
        self.guard.remove_layer(layer)

    @rule(key=keys, remove=st.booleans())
    def test_changes(self, key: str, remove: bool) -> None:
        """A test changes or removes a key."""
        self.mapping[key] = -1
        if remove:
            del self.mapping[key]

    @invariant()
    def restores_to_the_youngest_layer(self) -> None:
        """After restore each key has the value of the youngest living layer."""
        self.guard.restore()
        expected = {"base": 0}
        for _, values in self.living:
            expected |= values
        assert self.mapping == expected


TestLayers = Layers.TestCase
