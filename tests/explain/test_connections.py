"""Of each connection it is known who opened it in which loop, and who has it, as long as its number is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.code import Location
from hermetic.events import emit, listen, unlisten
from hermetic.events.database import CheckedOut, ConnectionOpened, HandedOver, LoopEndedUnder
from hermetic.explain.connections import CONNECTIONS, Connections
from tests.explain.failing import FIXTURE, TEST

AT = Location("/shop/conftest.py", 8, "session")


class Connection:
    """One that somebody holds."""


@pytest.fixture
def connections() -> Iterator[Connections]:
    """What listens."""
    made = Connections()
    for hear, kinds in made.listening:
        listen(hear, *kinds)
    yield made
    for hear, _ in made.listening:
        unlisten(hear)


def opened(connection: object, loop: int = 1) -> ConnectionOpened:
    """A connection is opened, for the test."""
    return ConnectionOpened(TEST, AT, id(connection), loop)


def taken(connection: object, loop: int = 1) -> CheckedOut:
    """A connection is taken, for the test."""
    return CheckedOut(TEST, AT, "sqlite://", id(connection), loop)


def test_who_has_it(connections: Connections) -> None:
    """Who took it, until it turns out to be a Session's."""
    connection = Connection()
    emit(opened(connection))
    assert connections.of(connection) is None
    emit(taken(connection, loop=2))
    held = connections.of(connection)
    assert held is not None
    assert (held.owner, held.opened_in, held.loop) == (TEST, 1, 2)
    emit(HandedOver(FIXTURE, id(connection)))
    emit(HandedOver(FIXTURE, 0))
    assert connections.of(connection) == held._replace(owner=FIXTURE)


def test_a_number_that_another_one_has_now(connections: Connections) -> None:
    """What was known of the one before is forgotten; beyond a number of them, of the oldest."""
    connection = Connection()
    for event in (opened(connection), taken(connection), opened(connection, loop=3)):
        emit(event)
    assert connections.of(connection) is None
    emit(taken(connection))
    others = [Connection() for _ in range(CONNECTIONS)]
    for other in others:
        emit(opened(other))
        emit(taken(other))
        emit(LoopEndedUnder(id(other), id(other)))
    assert connections.of(connection) is None
    assert connections.of(others[0]) is not None


def test_what_ended_with_its_loop(connections: Connections) -> None:
    """It is found by what the pool had handed out; of a connection that nobody was told of nothing is."""
    connection, handle = Connection(), Connection()
    emit(LoopEndedUnder(id(connection), id(handle)))
    assert connections.ended(handle) is None
    for event in (opened(connection), taken(connection), LoopEndedUnder(id(connection), id(handle))):
        emit(event)
    assert connections.ended(handle) == connections.of(connection)
