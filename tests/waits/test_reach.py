"""What somebody has at hand."""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Callable
from typing import Any

import pytest

from hermetic.waits import reach
from hermetic.waits.reach import at_hand


class Service:
    """Has a session."""

    def __init__(self, session: object) -> None:
        self.session = session

    def use(self) -> None:
        """Use it."""


class FakePool(list[Any]):
    """Has every connection."""


class Session:
    """What is looked for."""


SESSION = Session()

REACHING: dict[str, Callable[[], Any]] = {
    "itself": lambda: SESSION,
    "an attribute": lambda: Service(SESSION),
    "a list of a dictionary": lambda: {"sessions": [SESSION]},
    "a method": lambda: Service(SESSION).use,
    "a partial": lambda: functools.partial(print, SESSION),
    "a closure": lambda: (lambda session: lambda: session)(SESSION),
    "a builtin's object": lambda: [SESSION].append,
}

NOT_REACHING: dict[str, Callable[[], Any]] = {
    "nothing": lambda: 1,
    "a pool": lambda: FakePool([SESSION]),
    "a module": lambda: types.ModuleType("app", str(SESSION)),
    "a class": lambda: type("Model", (), {"session": SESSION}),
    "a long way": lambda: [[[[[[[[SESSION]]]]]]]],
}


@pytest.mark.parametrize("root", REACHING)
def test_what_leads_to_it(root: str) -> None:
    """Attributes, containers, methods and closures."""
    assert id(SESSION) in at_hand([REACHING[root]()], 4)


@pytest.mark.parametrize("root", NOT_REACHING)
def test_what_does_not(root: str) -> None:
    """Modules, classes and pools would lead to everything."""
    assert id(SESSION) not in at_hand([NOT_REACHING[root]()], 4)


def test_a_future() -> None:
    """It leads to whoever waits for it, and so to everything."""

    async def main() -> bool:
        future = asyncio.get_running_loop().create_future()
        future.set_result(SESSION)
        return id(SESSION) in at_hand([future], 4)

    assert not asyncio.run(main())


def test_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be very much."""
    monkeypatch.setattr(reach, "MOST", 10)
    assert len(at_hand([[object() for _ in range(20)]], 4)) < 30
