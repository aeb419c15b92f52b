"""How a connection waits for a lock: for how long, for whom, and what is said when it was not given.

SQLite does not wait where waiting cannot help, and neither do we: a transaction that has read and now wants to write
while another one writes would wait for a committer that waits for it. It fails at once, as in production.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from hermetic.database.backends.sqlite.restore.database_state import Connection, is_busy
from hermetic.database.backends.sqlite.restore.queue import FIRST_POLL, OTHERS_POLL, Waiter
from hermetic.database.backends.sqlite.restore.statements import Want
from hermetic.database.uncommitted import holds_for, uncommitted_writes, waited
from hermetic.events import LockWaited, emit, listeners
from hermetic.threads import now

T = TypeVar("T")

REQUEST_PATIENCE = 1.5
"""Seconds that a request waits for a lock that its own test holds. The test waits for the request, so it is in vain."""


def perform(connection: Connection, want: Want, attempt: Callable[[], T]) -> T:
    """Run something on a connection, waiting in the database's queue while it is locked.

    Args:
        connection: The connection that it runs on.
        want: What it wants of the lock.
        attempt: Run it once; called again after each refusal.

    Raises:
        sqlite3.OperationalError: It was refused for as long as the engine wanted to wait.
        UncommittedWrites: It is a request's, and the lock is held by the test that sent the request.
    """
    if want == "write" and connection.state.queue and not connection.would_deadlock():
        return _in_line(connection, want, attempt)  # somebody was here before us
    try:
        with connection.guard:
            return attempt()
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        if want != "commit" and connection.would_deadlock():
            raise _explained(error, connection, want) from None
    return _in_line(connection, want, attempt)


def _in_line(connection: Connection, want: Want, attempt: Callable[[], T]) -> T:
    queue = connection.state.queue
    waiter = queue.join(want)
    connection.waiter = waiter
    try:
        return _retry(connection, waiter, attempt)
    finally:
        connection.waiter = None
        queue.leave(waiter)
        if not connection.has_transaction():
            queue.wake()


def _retry(connection: Connection, waiter: Waiter, attempt: Callable[[], T]) -> T:
    queue = connection.state.queue
    deadline = now() + connection.patience
    in_vain_since: float | None = None
    while True:
        if waiter.cancelled:
            raise sqlite3.OperationalError("interrupted")
        last = now() >= deadline
        if last or queue.may_try(waiter):
            try:
                with connection.guard:
                    return attempt()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                if last:
                    raise _explained(error, connection, waiter.want) from None
        in_vain_since = _in_vain(connection, waiter, in_vain_since)
        pause = FIRST_POLL if queue.may_try(waiter) else OTHERS_POLL
        waiter.sleep(max(0.0, min(pause, deadline - now())))


def _in_vain(connection: Connection, waiter: Waiter, since: float | None) -> float | None:
    """Return since when a request waits for its own test; raise when that is long enough."""
    holder = _own_test_among(connection, blockers(connection, waiter.want))
    if holder is None:
        return None
    if since is None:
        return now()
    if now() - since < REQUEST_PATIENCE:
        return since
    assert connection.checkout is not None and holder.checkout is not None
    error = uncommitted_writes(
        connection.checkout,
        holder.checkout,
        seconds=REQUEST_PATIENCE,
        lock="the lock of SQLite",
        reads=waiter.want == "commit",
    )
    if LockWaited in listeners:
        emit(waited(connection.checkout, holder.checkout, REQUEST_PATIENCE, error))
    raise error


def blockers(connection: Connection, want: Want) -> list[Connection]:
    """Return the connections whose open work can refuse what this one wants."""
    others = [other for other in connection.state.connections.members() if other is not connection]
    if want == "commit":
        return [other for other in others if other.has_snapshot()]
    return [other for other in others if other.has_written()]


def _own_test_among(connection: Connection, others: list[Connection]) -> Connection | None:
    for other in others:
        if holds_for(connection.checkout, other.checkout.owner if other.checkout else None):
            return other
    return None


def _explained(
    error: sqlite3.OperationalError, connection: Connection, want: Want
) -> sqlite3.OperationalError:
    """Say in a note who holds the lock."""
    named = [other.checkout for other in blockers(connection, want) if other.checkout]
    for checkout in named:
        error.add_note(
            f"hermetic: the lock is held by {checkout.owner.name}, checked out at {checkout.location}"
        )
    if not named:
        error.add_note(
            "hermetic: no checked-out connection of this process holds the lock; another process may"
        )
    return error
