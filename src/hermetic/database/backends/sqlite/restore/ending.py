"""Ending what a test left open, from the thread that runs the tests, in whatever thread or loop it was opened."""

from __future__ import annotations

from collections.abc import Sequence

from hermetic.database.backends.sqlite.restore.connection import TrackedConnection
from hermetic.database.backends.sqlite.restore.database_state import DatabaseState
from hermetic.database.in_use import OpenWork
from hermetic.owners import Owner


def end_open_work(state: DatabaseState, owners: Sequence[Owner]) -> list[OpenWork]:
    """End the open transactions and cursors of these owners; return what was ended."""
    ended = []
    for connection in state.connections.members():
        checkout = connection.checkout
        if checkout is not None and checkout.owner.belongs_to(owners):
            ended.extend(_end(connection))
    return ended


def _end(connection: TrackedConnection) -> list[OpenWork]:
    work = connection.open_work()
    with connection.seized() as held:
        if not held:
            return work
        left = connection.open_work()
        if left:
            connection.end_open_work()
        return work or left
