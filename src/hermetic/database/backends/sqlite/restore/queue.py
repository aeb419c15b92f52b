"""The queue in which the connections of one database wait for SQLite's one write lock.

SQLite's own way is to sleep and try again, at growing intervals, so that whoever comes late may be served first and the
lock lies idle in between: ten concurrent transactions took 185 ms and twenty 1,145. Here a connection that finds the
database locked waits in line, is woken by whoever ends a transaction, and they take 22 and 50 ms.

Readers and a committer do not stand in line: a reader is refused only while a committer waits for other readers, and
everybody waits for the committer.

The garbage collector may close a forgotten connection in any thread, in the middle of anything, and whoever closes one
wakes the others. So nothing here may wait for a lock that the same thread may hold already.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock, RLock, get_ident

from hermetic.database.backends.sqlite.restore.statements import Want
from hermetic.threads import now

FIRST_POLL = 0.005
"""Seconds after which the first in line tries unwoken: the holder may be another process."""

OTHERS_POLL = 0.05
"""Seconds after which the others look whether they have become the first."""


class Waiter:
    """One connection that waits.

    Args:
        want: What it waits for.
        statement: What it wants that for.

    Attributes:
        since: When it came.
        thread: The thread in which it waits.
        cancelled: Whether its wait was ended from outside (``interrupt`` or ``close``).
    """

    def __init__(self, want: Want, statement: str = "") -> None:
        self.want = want
        self.statement = statement
        self.since = now()
        self.thread = get_ident()
        self.cancelled = False
        self._asleep = Lock()  # not an Event, whose own lock is held for a moment by whoever sets it
        self._asleep.acquire()

    def wake(self) -> None:
        """Let it try again."""
        with suppress(RuntimeError):  # it is awake already
            self._asleep.release()

    def cancel(self) -> None:
        """Let it give up."""
        self.cancelled = True
        self.wake()

    def sleep(self, seconds: float) -> bool:
        """Sleep until woken, or for ``seconds``; return whether it was woken."""
        return self._asleep.acquire(timeout=seconds)


class LockQueue:
    """Who waits for a database's lock, in the order in which they came."""

    def __init__(self) -> None:
        self._mutex = RLock()
        self._waiters: list[Waiter] = []

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def join(self, want: Want, statement: str) -> Waiter:
        """Get in line; a committer goes to its head."""
        waiter = Waiter(want, statement)
        with self._mutex:
            self._waiters.insert(0 if want == "commit" else len(self._waiters), waiter)
        return waiter

    def lead(self) -> Waiter:
        """Get in line before everybody else who wants to write."""
        waiter = Waiter("write")
        with self._mutex:
            self._waiters.insert(0, waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Get out of line."""
        with self._mutex:
            self._waiters.remove(waiter)

    def may_try(self, waiter: Waiter) -> bool:
        """Whether nobody who wants to write stands before this one."""
        with self._mutex:
            return waiter.want != "write" or waiter is self._first_writer()

    def wake(self) -> None:
        """Wake whoever may succeed now: the first who wants to write, and all who want anything else."""
        with self._mutex:
            first = self._first_writer()
            for waiter in self._waiters:
                if waiter is first or waiter.want != "write":
                    waiter.wake()

    def _first_writer(self) -> Waiter | None:
        return next((waiter for waiter in self._waiters if waiter.want == "write"), None)
