"""Finds the request that waits for a lock of its own test, which would be for ever.

PostgreSQL sees no deadlock there: the test, which holds the lock, waits for the request in Python. So while a test has
a connection in use and one of its requests has one too, the server is asked four times a second who waits for whom; a
wait that lasts is cancelled, and the driver's error becomes one that says what happened. At all other times nothing is
asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import ExceptionContext

from hermetic.database.protocols import Checkout
from hermetic.database.restore.postgresql.protocols import Host
from hermetic.database.restore.postgresql.sessions import Session, Sessions
from hermetic.database.restore.uncommitted import holds_for, uncommitted_writes
from hermetic.errors import UncommittedWrites

PAUSE = 0.25
"""Seconds between two looks."""

PATIENCE = 1.5
"""Seconds that a request waits for a lock that its own test holds."""

LOOKS = int(PATIENCE / PAUSE)


class LockWatch:
    """Watches one database, in a thread of its own that starts when it is first needed.

    Args:
        name: The database.
        host: Answers who waits for whom, and cancels.
        sessions: The application's connections.
        found: Is told each error.
    """

    def __init__(
        self, name: str, host: Host, sessions: Sessions, found: Callable[[UncommittedWrites], None]
    ) -> None:
        self._name = name
        self._host = host
        self._sessions = sessions
        self._found = found
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._waits: dict[int, int] = {}
        self._cancelled: dict[int, UncommittedWrites] = {}

    def note(self, checkout: Checkout | None) -> None:
        """Learn that a connection was taken from its pool, or given back."""
        if checkout is None or not self._is_needed():
            return
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="hermetic-locks", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _is_needed(self) -> bool:
        """Whether a test and a request of one have connections in use."""
        used = [one.checkout.owner for one in self._sessions.all() if one.checkout is not None]
        kinds = {owner.kind for owner in used if owner.is_test_level}
        return "request" in kinds and not kinds.isdisjoint({"test", "fixture"})

    def _watch(self) -> None:
        while not self._ended.wait(PAUSE):
            if self._is_needed():
                self._look()
                continue
            self._waits.clear()
            with self._changed:  # asked under the lock: what is noted meanwhile cannot be missed
                self._changed.wait_for(lambda: self._ended.is_set() or self._is_needed())

    def _look(self) -> None:
        waiting = dict(self._host.waiting(self._name))
        self._waits = {pid: self._waits.get(pid, 0) + 1 for pid in waiting}
        for pid, holders in waiting.items():
            if self._waits[pid] >= LOOKS:
                self._end_if_in_vain(pid, holders)

    def _end_if_in_vain(self, pid: int, holders: list[int]) -> None:
        request = self._sessions.by_pid(pid)
        for holder in map(self._sessions.by_pid, holders):
            error = _in_vain(request, holder)
            if error is not None:
                self._waits.pop(pid)
                self._cancelled[pid] = error
                self._found(error)
                self._host.cancel(pid)
                return

    def explain(self, context: ExceptionContext, session: Session) -> None:
        """Raise, in the place of what a driver says of a cancelled statement, why it was.

        Raises:
            UncommittedWrites: It was cancelled here.
        """
        error = self._cancelled.pop(session.pid or 0, None)
        if error is not None:
            raise error from context.original_exception

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None


def _in_vain(request: Session | None, holder: Session | None) -> UncommittedWrites | None:
    waits, holds = (one.checkout if one is not None else None for one in (request, holder))
    if waits is None or holds is None or not holds_for(waits, holds.owner):
        return None
    return uncommitted_writes(waits, holds, seconds=PATIENCE, lock="a lock")
