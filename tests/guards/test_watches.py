"""The watches of guards: who watches during which test, and what becomes of what they find."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest

from hermetic.code import UNKNOWN
from hermetic.events.lifecycle import Breach
from hermetic.guards.watches import Watches
from hermetic.owners import Owner
from hermetic.settings import Level

FIRST, SECOND = (Owner(name, "test", "function") for name in ("first", "second"))


class Noting:
    """A watch that notes what it is told, and finds a breach in each test."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self.told = told

    def begin(self, test: Owner) -> None:
        """Note it."""
        self.told.append(f"{self.name} begins {test.name}")

    def end(self, test: Owner) -> Iterable[Breach]:
        """Note it, and find something."""
        self.told.append(f"{self.name} ends {test.name}")
        yield Breach(self.name, test, UNKNOWN, self.name)

    def stop(self) -> None:
        """Note it."""
        self.told.append(f"{self.name} stops")


@pytest.fixture
def told() -> list[str]:
    """What the watches were told."""
    return []


@pytest.fixture
def watches(told: list[str]) -> Watches:
    """Two of them."""

    def made(name: str) -> Noting:
        told.append(f"{name} is made")
        return Noting(name, told)

    return Watches({name: partial(made, name) for name in ("tasks", "threads")})


def test_only_what_is_not_off_watches(watches: Watches, told: list[str]) -> None:
    """It is made with the first test that needs it, and stopped with the run."""
    watches.begin(FIRST, {"tasks": "off", "threads": "warn"})
    assert [breach.guard for breach in watches.end(FIRST)] == ["threads"]
    watches.begin(SECOND, {"tasks": "off", "threads": "error"})
    watches.stop()
    assert told == [
        "threads is made",
        "threads begins first",
        "threads ends first",
        "threads begins second",
        "threads stops",
    ]


def test_a_test_without_an_end_leaves_nothing_to_the_next(watches: Watches) -> None:
    """One whose set-up failed, say: it failed by name already."""
    watches.begin(FIRST, {"tasks": "error", "threads": "off"})
    watches.begin(SECOND, {"tasks": "error", "threads": "off"})
    assert [breach.owner for breach in watches.end(SECOND)] == [SECOND]
    assert watches.end(SECOND) == []


class Failing(Noting):
    """One whose end fails."""

    def end(self, test: Owner) -> Iterable[Breach]:
        """Fail."""
        raise ZeroDivisionError(self.name)


def test_one_that_fails(told: list[str]) -> None:
    """Those before it are ended as well, and each that failed is raised."""
    kinds = {"tasks": Noting, "threads": Failing, "memory": Failing}
    watches = Watches({name: partial(kind, name, told) for name, kind in kinds.items()})
    watches.begin(FIRST, dict.fromkeys(kinds, "error"))
    with pytest.raises(BaseExceptionGroup) as raised:
        watches.end(FIRST)
    assert [str(each) for each in raised.value.exceptions] == ["memory", "threads"]
    assert told[-1] == "tasks ends first"


def test_a_test_with_levels_of_its_own(watches: Watches, told: list[str]) -> None:
    """They count for it alone."""
    both: dict[str, Level] = {"tasks": "error", "threads": "warn"}
    for test, levels in ((FIRST, both), (SECOND, {**both, "tasks": "off"}), (FIRST, both)):
        watches.begin(test, levels)
        watches.end(test)
    assert [each for each in told if "tasks" in each] == [
        "tasks is made",
        *["tasks begins first", "tasks ends first"] * 2,
    ]
