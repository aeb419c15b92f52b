"""How a connection waits for a lock: for how long, for whom, and what is said when it was not given.

SQLite does not wait where waiting cannot help, and neither do we: a transaction that has read and now wants to write
while another one writes would wait for a committer that waits for it. It fails at once, as in production.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from hermetic.database import lock_waits
from hermetic.database.backends.sqlite.restore.database_state import (
    FIRST_POLL,
    OTHERS_POLL,
    Connection,
    Waiter,
    Want,
    is_busy,
)
from hermetic.database.lock_waits import LockUser, LockWait, Patience, error_of, stuck_holder, told_of
from hermetic.errors import Deadlock, HermeticError
from hermetic.events import emit, listeners
from hermetic.events.database import LockWaited
from hermetic.threads import now

T = TypeVar("T")


class SqliteDeadlock(Deadlock, sqlite3.OperationalError):
    """What SQLite itself would say when its time is over, said earlier: whoever expects the one gets it."""

    def __init__(self, what: str, *, why: str = "", hints: tuple[str, ...] = ()) -> None:
        super().__init__(f"database is locked: {what}", why=why, hints=hints)
        self.sqlite_errorcode, self.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"


def perform(connection: Connection, want: Want, attempt: Callable[[], T], statement: str) -> T:
    """Run something on a connection, waiting in the database's queue while it is locked.

    Args:
        connection: The connection that it runs on.
        want: What it wants of the lock.
        attempt: Run it once; called again after each refusal.
        statement: What it is.

    Raises:
        sqlite3.OperationalError: It was refused for as long as the engine wanted to wait, or for ever.
        UncommittedWrites: It is a request's, and the lock is held by the test that sent the request.
    """
    if want == "write" and connection.state.queue and not connection.would_deadlock():
        return _in_line(connection, want, attempt, statement)  # somebody was here before us
    try:
        with connection.guard:
            return attempt()
    except sqlite3.OperationalError as error:
        if not is_busy(error):
            raise
        if want != "commit" and connection.would_deadlock():
            raise _explained(error, connection, want) from None
    return _in_line(connection, want, attempt, statement)


def _in_line(connection: Connection, want: Want, attempt: Callable[[], T], statement: str) -> T:
    queue = connection.state.queue
    waiter = queue.join(want, statement)
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
    patience, next_look = Patience(), now() + lock_waits.FIRST_LOOK
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
        if now() >= next_look:
            next_look = now() + lock_waits.PAUSE
            _raise_if_for_ever(connection, waiter, patience)
        pause = FIRST_POLL if queue.may_try(waiter) else OTHERS_POLL
        waiter.sleep(max(0.0, min(pause, deadline - now())))


def _raise_if_for_ever(connection: Connection, waiter: Waiter, patience: Patience) -> None:
    """Raise where the wait has looked so for long enough."""
    wait = _wait_of(connection, waiter)
    others = [_wait_of(each, its) for each in connection.state.connections.members() if (its := each.waiter)]
    holder = stuck_holder(wait, [each for each in others if each.waiter.connection is not connection])
    if not patience.is_over(for_ever=holder is not None, waited=now() - waiter.since) or holder is None:
        return
    if not any(_is_same(each, holder) for each in _wait_of(connection, waiter).holders):
        return  # it has gone on while it was looked at
    error = error_of(wait, holder)
    if LockWaited in listeners:
        emit(told_of(wait, holder, error))
    raise _as_sqlite_says_it(error)


def _as_sqlite_says_it(error: HermeticError) -> HermeticError:
    return (
        SqliteDeadlock(error.what, why=error.why, hints=error.hints) if isinstance(error, Deadlock) else error
    )


def _is_same(holder: LockUser, before: LockUser) -> bool:
    """Whether a holder has done nothing since."""
    return holder.connection is before.connection and holder.seconds >= before.seconds


def _wait_of(connection: Connection, waiter: Waiter) -> LockWait:
    waits = LockUser(
        connection.checkout, connection, now() - waiter.since, waiter.statement, waiter.thread, is_idle=False
    )
    holders = [
        LockUser(each.checkout, each, now() - each.since)
        for each in blockers(connection, waiter.want)
        if each.checkout is not None
    ]
    return LockWait(waits, tuple(holders), "the lock of SQLite", reads=waiter.want == "commit")


def blockers(connection: Connection, want: Want) -> list[Connection]:
    """Return the connections whose open work can refuse what this one wants."""
    others = [other for other in connection.state.connections.members() if other is not connection]
    if want == "commit":
        return [other for other in others if other.has_snapshot()]
    return [other for other in others if other.has_written()]


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
