"""What is kept of what a test did: its beginning and its end, and nothing of a test that passed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.events import emit, listeners
from hermetic.events.application import RequestBegan
from hermetic.events.lifecycle import FillingBegan, FillingEnded
from hermetic.explain.history import FIRST, KINDS, LAST, History
from hermetic.owners import Owner

TEST = Owner("test_it", "test", "function")


@pytest.fixture
def history() -> Iterator[History]:
    """One that listens, at the begin of a test."""
    made = History()
    made.start()
    made.begin(TEST)
    yield made
    made.stop()


def request(number: int) -> RequestBegan:
    """Return the begin of a request, told apart by its path."""
    return RequestBegan(TEST, "GET", f"/{number}")


def test_the_beginning_and_the_end_are_kept(history: History) -> None:
    """And is known how much there was between them."""
    for number in range(1000):
        emit(request(number))
    paths = [each.path for each in history.of(RequestBegan)]
    assert paths == [f"/{number}" for number in [*range(FIRST), *range(1000 - LAST, 1000)]]
    assert history.dropped == 1000 - FIRST - LAST
    assert len(history.told) == FIRST + LAST == 500


def test_each_test_begins_anew(history: History) -> None:
    """Nothing of the test before is left, nor of one that passed."""
    emit(request(1))
    history.begin(TEST)
    assert history.told == []
    emit(request(2))
    history.end()
    assert (history.told, history.dropped) == ([], 0)


def test_what_fills_a_database_is_not_kept(history: History) -> None:
    """The first test to use one has a hundred tables made on the way."""
    emit(request(1))
    emit(FillingBegan("main"))
    emit(request(2))
    emit(FillingEnded("main"))
    emit(request(3))
    assert [each.path for each in history.of(RequestBegan)] == ["/1", "/3"]


def test_it_listens_from_start_to_stop() -> None:
    """Before and after, nobody builds an event for it."""
    history = History()
    assert not set(KINDS) & set(listeners)
    history.start()
    assert set(KINDS) <= set(listeners)
    history.stop()
    assert not set(KINDS) & set(listeners)
