"""The stream of events: who is told of what, what an event may hold, and what it costs where nobody listens."""

from __future__ import annotations

import timeit
import types
from typing import get_args, get_type_hints

import pytest

from hermetic import events
from hermetic.code import Location
from hermetic.events import Event, Source, emit, listen, listeners, unlisten
from hermetic.events.database import Restored
from hermetic.events.lifecycle import LayerEnded
from hermetic.owners import PROCESS, Owner
from tests.hearing import hearing

RESTORED = Restored("hermetic", True, 0.001)
MAY_HOLD = {str, int, float, bool, Owner, Location, tuple[str, ...], tuple[int, ...], types.NoneType}


def test_who_listens_is_told() -> None:
    """Of the kinds that it asked for, in order, and of nothing once it has gone; others are told as before."""
    first: list[Event] = []
    with hearing(Restored) as second:
        listen(first.append, Restored, LayerEnded)
        emit(RESTORED)
        emit(LayerEnded(PROCESS))
        unlisten(first.append)
        emit(RESTORED)
    emit(RESTORED)
    assert first == [RESTORED, LayerEnded(PROCESS)]
    assert second == [RESTORED, RESTORED]


def test_a_kind_that_nobody_listens_to() -> None:
    """A call site sees that, and builds nothing."""
    with hearing(Restored):
        assert Restored in listeners
    assert Restored not in listeners


def test_what_has_to_be_hooked_up() -> None:
    """It is from the first listener to the last, whichever of its kinds that is for, and never once it was closed."""
    said: list[str] = []
    source = Source((Restored, LayerEnded), lambda: said.append("start"), lambda: said.append("stop"))
    source.open()
    with hearing(Restored), hearing(LayerEnded):
        assert source.is_on
    with hearing(LayerEnded):
        source.close()
    with hearing(LayerEnded):
        pass
    assert said == ["start", "stop", "start", "stop"]


def test_one_that_comes_late() -> None:
    """It is hooked up at once where somebody listens already."""
    with hearing(Restored):
        source = Source((Restored,))
        source.open()
        assert source.is_on
    source.close()


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_what_an_event_holds(kind: type) -> None:
    """Texts, numbers, a place and an owner: nothing that the leak guard waits for, and nothing that changes."""
    assert issubclass(kind, tuple)
    for hint in get_type_hints(kind).values():
        assert set(get_args(hint) if isinstance(hint, types.UnionType) else [hint]) <= MAY_HOLD


def test_every_kind_is_an_event() -> None:
    """None was forgotten in the union of them."""
    made = {each for each in vars(events).values() if isinstance(each, type) and issubclass(each, tuple)}
    assert made - {Location} == set(get_args(Event))


def test_a_call_site_costs_nothing() -> None:
    """Where nobody listens it is one look into a dictionary: far below a microsecond."""
    assert min(timeit.repeat(lambda: Restored in listeners, number=1000, repeat=5)) < 1000 * 1e-6
