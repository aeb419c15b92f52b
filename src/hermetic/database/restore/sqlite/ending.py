"""Ending what a test left open, from the thread that runs the tests, in whatever thread or loop it was opened."""

from __future__ import annotations

from collections.abc import Sequence

from hermetic.database.protocols import OpenWork
from hermetic.database.restore.sqlite.site import Site
from hermetic.database.restore.sqlite.tracked import TrackedConnection
from hermetic.owners import Owner


def end_open_work(site: Site, owners: Sequence[Owner]) -> list[OpenWork]:
    """End the open transactions and cursors of these owners; return what was ended."""
    ended = []
    for connection in site.connections.members():
        checkout = connection.checkout
        if checkout is not None and belongs(checkout.owner, owners):
            ended.extend(_end(connection))
    return ended


def belongs(owner: Owner, owners: Sequence[Owner]) -> bool:
    """Whether an owner is one of these, or something of a test's that one of them started."""
    here: Owner | None = owner
    while here is not None:
        if any(here is one for one in owners):
            return True
        here = here.parent if here.is_test_level else None
    return False


def _end(connection: TrackedConnection) -> list[OpenWork]:
    work = connection.open_work()
    with connection.seized() as held:
        if not held:
            return work
        left = connection.open_work()
        if left:
            connection.end_open_work()
        return work or left
