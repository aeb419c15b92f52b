"""Mappings that are put back: the environment and dependency overrides."""

from __future__ import annotations

import os
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hermetic.guards.mapping import MISSING, MappingGuard
from hermetic.guards.shared_mappings import EnvironmentGuard


def test_what_a_test_changed_is_undone() -> None:
    """Values set, replaced and removed since the baseline come back."""
    mapping = {"kept": "1", "replaced": "1", "removed": "1"}
    guard = MappingGuard(mapping)
    mapping.update(replaced="2", added="2")
    del mapping["removed"]
    assert guard.changed() == {"replaced": ("1", "2"), "removed": ("1", MISSING), "added": (MISSING, "2")}
    guard.restore()
    assert mapping == {"kept": "1", "replaced": "1", "removed": "1"}


class Column:
    """Compares like an array: element by element, with no truth."""

    def __eq__(self, other: object) -> Any:
        """Return what cannot be taken for true or false."""
        return self

    def __bool__(self) -> bool:
        """Refuse."""
        raise ValueError("the truth of an array is ambiguous")

    __hash__ = object.__hash__


def test_values_that_cannot_be_compared_are_put_back() -> None:
    """Another object counts as another value, though nobody can tell."""
    before = Column()
    mapping: dict[str, Any] = {"prices": before}
    guard = MappingGuard(mapping)
    mapping["prices"] = Column()
    guard.restore()
    assert mapping["prices"] is before


def test_what_others_own_is_ignored() -> None:
    """Ignored keys may change at any time."""
    mapping = {"PYTEST_CURRENT_TEST": "a"}
    guard = MappingGuard(mapping, ignore=frozenset({"PYTEST_CURRENT_TEST"}))
    mapping["PYTEST_CURRENT_TEST"] = "b"
    guard.restore()
    assert mapping == {"PYTEST_CURRENT_TEST": "b"}


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables set, replaced and removed, while pytest's own one changes all the time."""
    monkeypatch.setenv("REPLACED", "1")
    monkeypatch.setenv("REMOVED", "1")
    guard = EnvironmentGuard()
    for number in range(2):
        os.environ.update(REPLACED="2", ADDED=str(number), PYTEST_CURRENT_TEST=f"{number} (call)")
        del os.environ["REMOVED"]
        assert guard.changed() == {
            "REPLACED": ("1", "2"),
            "REMOVED": ("1", MISSING),
            "ADDED": (MISSING, str(number)),
        }
        guard.restore()
        assert (os.environ["REPLACED"], os.environ["REMOVED"], "ADDED" in os.environ) == ("1", "1", False)
        assert guard.changed() == {}


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


def test_what_the_test_set_before_it_asked_does_not_outlive_it() -> None:
    """A fixture that sets what its test had set leaves the value of before the test, not the test's."""
    mapping = {"TOKEN": "baseline"}
    guard = MappingGuard(mapping)
    mapping["TOKEN"] = "test"
    start = guard.begin_layer()
    mapping["TOKEN"] = "module"
    layer = guard.end_layer(start)
    assert layer is not None
    guard.restore()
    assert mapping == {"TOKEN": "module"}
    guard.remove_layer(layer)
    assert mapping == {"TOKEN": "baseline"}
    assert guard.changed() == {}


def test_what_a_fixture_set_before_it_asked_for_another_goes_with_it() -> None:
    """A key that both set has the asker's value once the other is gone, and the first one once both are."""
    mapping = {"TOKEN": "baseline"}
    guard = MappingGuard(mapping)
    outer_start = guard.begin_layer()
    mapping["TOKEN"] = "outer"
    inner_start = guard.begin_layer()
    mapping["TOKEN"] = "inner"
    inner = guard.end_layer(inner_start)
    outer = guard.end_layer(outer_start)
    assert outer is not None and inner is not None
    guard.remove_layer(inner)
    assert mapping == {"TOKEN": "outer"}
    guard.remove_layer(outer)
    assert mapping == {"TOKEN": "baseline"}


class Fixture:
    """A fixture of some wider scope, in its set-up or living."""

    def __init__(self) -> None:
        self.start: Any = None
        self.layer: Any = None


class Layers(RuleBasedStateMachine):
    """Fixtures that set and remove keys, nest, and end in any order; tests that do so before and after asking for them.

    A key of the baseline has the value that a living fixture gave it last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mapping: dict[str, int] = {"base": 0, "other": 0}
        self.guard: MappingGuard[str, int] = MappingGuard(self.mapping)
        self.in_set_up: list[Fixture] = []
        self.living: list[Fixture] = []
        self.written: list[tuple[Fixture, str, int | None]] = []
        self.counter = 0

    keys = st.sampled_from(["base", "other", "a", "b"])

    @rule()
    def a_fixture_is_asked_for(self) -> None:
        """By the test, or by the fixture that is in its set-up."""
        self.in_set_up.append(Fixture())
        self.in_set_up[-1].start = self.guard.begin_layer()

    @precondition(lambda self: self.in_set_up)
    @rule(key=keys, remove=st.booleans())
    def its_set_up_changes_a_key(self, key: str, remove: bool) -> None:
        """The innermost set-up is the one that runs; to remove what is not there, or its own, may change nothing."""
        fixture = self.in_set_up[-1]
        own = any(by is fixture and of == key for by, of, _ in self.written)
        if not remove or (key in self.mapping and not own):
            self.written.append((fixture, key, self._change(key, remove)))

    @precondition(lambda self: self.in_set_up)
    @rule()
    def its_set_up_ends(self) -> None:
        """It lives from now on."""
        fixture = self.in_set_up.pop()
        fixture.layer = self.guard.end_layer(fixture.start)
        self.living.append(fixture)

    @precondition(lambda self: self.living)
    @rule(data=st.data())
    def a_fixture_ends(self, data: st.DataObject) -> None:
        """Whatever came after it, at the end of a test or because the next parameter is asked for."""
        fixture = self.living.pop(data.draw(st.integers(0, len(self.living) - 1)))
        if fixture.layer is not None:
            self.guard.remove_layer(fixture.layer)
        self.written = [each for each in self.written if each[0] is not fixture]

    @precondition(lambda self: not self.in_set_up)
    @rule(key=keys, remove=st.booleans())
    def the_test_changes_a_key(self, key: str, remove: bool) -> None:
        """Before or after it asks for fixtures."""
        self._change(key, remove)

    def _change(self, key: str, remove: bool) -> int | None:
        self.counter += 1
        if remove:
            self.mapping.pop(key, None)
            return None
        self.mapping[key] = self.counter
        return self.counter

    @precondition(lambda self: not self.in_set_up)
    @rule()
    def the_test_ends(self) -> None:
        """Nothing that a test set is there afterwards."""
        self.guard.restore()
        assert self.mapping == self._expected()

    @invariant()
    def the_baseline_is_that_of_the_living(self) -> None:
        """What counts as the test's change is the difference to that, at any moment between set-ups."""
        if not self.in_set_up:
            assert self.guard.changed() == _changes(self._expected(), self.mapping)

    def _expected(self) -> dict[str, int]:
        expected: dict[str, int] = {"base": 0, "other": 0}
        for _, key, value in self.written:
            expected.pop(key, None)
            if value is not None:
                expected[key] = value
        return expected


def _changes(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[Any, Any]]:
    values = {key: (before.get(key, MISSING), after.get(key, MISSING)) for key in {**before, **after}}
    return {key: (old, new) for key, (old, new) in values.items() if old != new}


TestLayers = Layers.TestCase
