"""Ending what a test left open, from the thread that runs the tests, in whatever thread or loop it was opened."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hermetic.database.protocols import OpenWork
from hermetic.database.restore.sqlite.queue import now
from hermetic.database.restore.sqlite.site import Site
from hermetic.database.restore.sqlite.tracked import TrackedConnection
from hermetic.owners import Owner

STATEMENT_PATIENCE = 2.0
"""Seconds that an interrupted statement may take to stop."""


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
    if connection.is_running:
        _stop_statement(connection)
        work = work or connection.open_work()
    if work and not connection.is_running:
        connection.end_open_work()
    return work


def _stop_statement(connection: TrackedConnection, pause: float = 0.001) -> None:
    deadline = now() + STATEMENT_PATIENCE
    while connection.is_running and now() < deadline:
        connection.interrupt()
        _sleep(pause)


_sleep = time.sleep
