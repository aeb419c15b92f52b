"""What the code of a function names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import State

from hermetic.functions import values_named

MINE = ["mine"]
NAMESPACE = SimpleNamespace(kept=["kept"], left=["left"])
STATE = State({"jobs": ["jobs"]})


class Proxy:
    """Says nothing of what it stands for."""

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        raise LookupError


PROXY = Proxy()


def directly() -> object:
    return MINE


def by_another() -> object:
    return directly()


def by_an_attribute() -> object:
    return PROXY, NAMESPACE.kept


def by_a_state() -> object:
    return STATE.jobs


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (directly, MINE),
        (by_another, MINE),
        (by_an_attribute, NAMESPACE.kept),
        (by_a_state, STATE.jobs),
    ],
)
def test_values_named(function: object, value: object) -> None:
    """What a function can reach by a name is given; what it does not name is not."""
    found = list(values_named(function))
    assert any(each is value for each in found)
    assert not any(each is NAMESPACE.left for each in found)


def test_values_of_a_closure() -> None:
    """What a closure holds counts as named."""
    held = ["held"]
    assert any(each is held for each in values_named(lambda: held))
