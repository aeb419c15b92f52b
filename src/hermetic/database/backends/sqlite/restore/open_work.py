"""What is open in a database: ended after a test, from whatever thread, or named where it keeps it from a restore."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hermetic.database.backends.sqlite.restore.connection import TrackedConnection
from hermetic.database.backends.sqlite.restore.database_state import DatabaseState, code_of
from hermetic.database.in_use import OpenWork
from hermetic.errors import RestoreError
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


def restore_blocked(state: DatabaseState, name: str) -> RestoreError:
    """Name whoever's lock kept the baseline from being put back."""
    return _blocked(state, f"the database {name!r} could not be brought back to its baseline")


def snapshot_blocked(state: DatabaseState, name: str) -> RestoreError:
    """Name whoever's lock kept the database from being read."""
    return _blocked(state, f"the database {name!r} could not be read to make it the baseline")


def not_restored(state: DatabaseState, name: str, error: sqlite3.Error, *, wal: bool) -> RestoreError:
    """Say why SQLite would not write the baseline back."""
    what = f"the database {name!r} could not be brought back to its baseline: {error}"
    if code_of(error) == sqlite3.SQLITE_FULL:
        return RestoreError(
            what,
            why=f"the file system of {state.path.parent} is full.",
            hints=("set hermetic_directory to a directory on a larger file system",),
        )
    if code_of(error) & 0xFF == sqlite3.SQLITE_READONLY and wal:
        return RestoreError(
            what,
            why="the test changed the page size and then went to WAL mode, where SQLite cannot change it back.",
            hints=("end the test with PRAGMA journal_mode=DELETE",),
        )
    return RestoreError(what, why=f"SQLite's error code is {code_of(error)}.")


def _blocked(state: DatabaseState, what: str) -> RestoreError:
    work = [item for connection in state.connections.members() for item in connection.open_work()]
    if not work:
        return RestoreError(
            what,
            why="none of this process's connections has anything open, so another process holds the lock, or a "
            "connection does with PRAGMA locking_mode=EXCLUSIVE.",
            hints=("end the subprocess before the test ends",),
        )
    return RestoreError(
        what,
        why="it waits for:\n" + "\n".join(f"  {describe(item)}" for item in work),
        hints=("commit, roll back or close it before the test that uses the database ends",),
    )


def describe(work: OpenWork) -> str:
    """Say what is open, whose it is, and where it was checked out."""
    article = f"an open {work.kind}" if work.kind == "transaction" else f"an unfinished {work.kind}"
    if work.checkout is None:
        return f"{article} of a connection that is in no one's hands"
    return f"{article} of {work.checkout.owner.name}, checked out at {work.checkout.location}"
