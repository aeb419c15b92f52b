"""Of each connection it is known who opened it in which loop, and who has it, as long as its number is its own."""

from __future__ import annotations

from hermetic.code import Location
from hermetic.events.database import CheckedOut, ConnectionOpened, LoopEndedUnder
from hermetic.explain.connections import CONNECTIONS, Connections
from hermetic.owners import Owner
from tests.explain.failing import FIXTURE, TEST

AT = Location("/shop/conftest.py", 8, "session")


class Connection:
    """One that somebody holds."""


def opened(connection: object, loop: int = 1) -> ConnectionOpened:
    """A connection is opened, for the test."""
    return ConnectionOpened(TEST, AT, id(connection), loop)


def taken(connection: object, loop: int = 1, owner: Owner = TEST) -> CheckedOut:
    """A connection is taken, for the test."""
    return CheckedOut(owner, AT, "sqlite://", id(connection), loop)


def test_who_has_it() -> None:
    """Who took it last, or the Session that it turned out to be for: asked for when somebody wants to know."""
    latest: dict[int, CheckedOut] = {}
    connections, connection = Connections(latest.get), Connection()
    connections.hear(opened(connection))
    assert connections.of(connection) is None
    latest[id(connection)] = taken(connection, loop=2)
    held = connections.of(connection)
    assert held is not None
    assert (held.owner, held.opened_in, held.loop) == (TEST, 1, 2)
    latest[id(connection)] = taken(connection, loop=2, owner=FIXTURE)
    assert connections.of(connection) == held._replace(owner=FIXTURE)


def test_a_number_that_another_one_has_now() -> None:
    """What was known of the one before is forgotten; beyond a number of them, of the oldest."""
    connection, others = Connection(), [Connection() for _ in range(CONNECTIONS)]
    latest = {id(each): taken(each) for each in (connection, *others)}
    connections = Connections(latest.get)
    connections.hear(opened(connection))
    connections.hear(opened(connection, loop=3))
    held = connections.of(connection)
    assert held is not None and held.opened_in == 3
    for other in others:
        connections.hear(opened(other))
        connections.hear(LoopEndedUnder(id(other), id(other)))
    assert connections.of(connection) is None
    assert connections.of(others[0]) is not None
    for each in (connection, *others):  # of more that ended with their loops, too
        connections.hear(opened(each))
        connections.hear(LoopEndedUnder(id(each), id(each) + 1))
    assert connections.ended(others[0]) is None


def test_what_ended_with_its_loop() -> None:
    """It is found by what the pool had handed out; of a connection that nobody was told of nothing is."""
    connection, handle = Connection(), Connection()
    connections = Connections({id(connection): taken(connection)}.get)
    connections.hear(LoopEndedUnder(id(connection), id(handle)))
    assert connections.ended(handle) is None
    for event in (opened(connection), LoopEndedUnder(id(connection), id(handle))):
        connections.hear(event)
    assert connections.ended(handle) == connections.of(connection)
