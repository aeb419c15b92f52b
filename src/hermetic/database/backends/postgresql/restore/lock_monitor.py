"""Finds the request that waits for a lock of its own test, which would be for ever.

PostgreSQL sees no deadlock there: the test, which holds the lock, waits for the request in Python. So while a test has
a connection in use and one of its requests has one too, the server is asked four times a second who waits for whom; a
wait that lasts is cancelled, and the driver's error becomes one that says what happened.

At all other times nothing is asked, and there is no thread: a suite that looks for threads that a test left behind
finds none of ours, and a fork no other thread. In an event loop, where nearly every request is over before the first
look would be, a timer of the loop's starts the thread (3 us; a thread for each such request would be 100). A check-in
after which there is nothing to watch ends it, and waits for that.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from types import BuiltinFunctionType
from weakref import WeakSet

from sqlalchemy import ExceptionContext

from hermetic.database.backends.postgresql.restore.drivers import sqlstate
from hermetic.database.backends.postgresql.restore.sessions import Session, Sessions
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.uncommitted import holds_for, uncommitted_writes, waited
from hermetic.errors import UncommittedWrites
from hermetic.events import LockWaited, emit, listeners

log = logging.getLogger("hermetic.locks")

PAUSE = 0.25
"""Seconds between two looks."""

PATIENCE = 1.5
"""Seconds that a request waits for a lock that its own test holds."""

LOOKS = int(PATIENCE / PAUSE)


END_PATIENCE = 5.0
"""Seconds that a check-in waits for the thread's end, which may be asking a server that does not answer."""

QUERY_CANCELED = "57014"


class LockWatch:
    """Watches one database, in a thread that is there while there is something to watch.

    Args:
        name: The database.
        host: Answers who waits for whom, and cancels.
        sessions: The application's connections.
    """

    def __init__(self, name: str, host: PostgresqlHost, sessions: Sessions) -> None:
        self._name = name
        self._host = host
        self._sessions = sessions
        self._lock = threading.RLock()  # a check-in may come from the collector, in the midst of anything
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._timed: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
        self._waits: dict[int, int] = {}
        self._cancelled: dict[int, UncommittedWrites] = {}
        self._cancelling = threading.Lock()

    def note(self, session: Session) -> None:
        """Learn that a connection was taken from its pool, or given back."""
        if session.checkout is None:
            self.note_end(session)
        elif not self._is_watching and self._is_needed():
            self._begin()

    def note_end(self, session: Session) -> None:
        """Learn that a connection was given back, or closed."""
        self.forget(session)
        if self._thread is not None and not self._is_needed():
            self.stop()

    def note_raw(self) -> None:
        """Learn that a connection of a driver's own was opened, or lent by its pool; nobody says when it goes back."""
        if not self._is_watching and self._is_needed():
            self._begin()

    @property
    def _is_watching(self) -> bool:
        return self._thread is not None and not self._over.is_set()

    def _is_needed(self) -> bool:
        """Whether a test and a request of one have connections in use."""
        kinds = {owner.kind for owner in self._sessions.users() if owner.is_test_level}
        return "request" in kinds and not kinds.isdisjoint({"test", "fixture"})

    def _begin(self) -> None:
        """Start the thread: at once, or by a timer of the loop that runs here."""
        loop = asyncio._get_running_loop()
        if loop is None or _clock_is_stopped():
            self._start()
        elif loop not in self._timed:
            self._timed.add(loop)
            loop.call_later(PAUSE, self._begin_late, loop)

    def _begin_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timed.discard(loop)
        if self._is_needed():
            self._start()

    def _start(self) -> None:
        with self._lock:
            if not self._is_watching:
                self._over = threading.Event()
                self._thread = threading.Thread(
                    target=self._watch, args=(self._over,), name="hermetic-locks", daemon=True
                )
                self._thread.start()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(PAUSE):
            with self._lock:
                if over.is_set() or not self._is_needed():  # a pool may be gone, with what was taken from it
                    break
            try:
                self._look()
            except (
                Exception
            ):  # the server is gone, or our session in it was ended: the next look opens another
                log.debug("looking at the locks in %r", self._name, exc_info=True)
        with self._lock:
            if self._over is over:
                self._thread = None
                self._waits.clear()

    def _look(self) -> None:
        waiting = dict(self._host.waiting(self._name))
        self._waits = {pid: self._waits.get(pid, 0) + 1 for pid in waiting}
        for pid, holders in waiting.items():
            if self._waits[pid] >= LOOKS:
                self._end_if_in_vain(pid, holders)

    def _end_if_in_vain(self, pid: int, holders: list[int]) -> None:
        request = self._sessions.by_pid(pid)
        for holder in map(self._sessions.by_pid, holders):
            found = _in_vain(request, holder)
            if found is not None:
                self._waits.pop(pid)
                self._cancel(pid, *found)
                return

    def _cancel(self, pid: int, error: UncommittedWrites, told: LockWaited) -> None:
        self._cancelled[pid] = error  # before it is: the driver may be told at once
        is_cancelled = False
        try:
            with self._cancelling:
                is_cancelled = self._host.cancel(pid)
                if is_cancelled and LockWaited in listeners:
                    emit(told)
        finally:
            if not is_cancelled:  # it got its lock meanwhile, or nothing could be asked
                self._cancelled.pop(pid, None)

    def explain(self, context: ExceptionContext, session: Session) -> None:
        """Raise, in place of what a driver says of a cancelled statement, why it was.

        Raises:
            UncommittedWrites: It was cancelled here.
        """
        if self._cancelled:
            with self._cancelling:  # so that it is told of before its test can end
                pass
        error = self.forget(session)
        if error is not None and sqlstate(context.original_exception) == QUERY_CANCELED:
            raise error from context.original_exception

    def forget(self, session: Session) -> UncommittedWrites | None:
        """Learn that the statement of a session has ended, one way or the other; return why it was cancelled."""
        return self._cancelled.pop(session.pid or 0, None) if self._cancelled else None

    def stop(self) -> None:
        """End the thread, if there is one."""
        thread = self._thread
        self._over.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(END_PATIENCE)


def _clock_is_stopped() -> bool:
    """Whether a test stopped the clock (freezegun), and the loop's timers with it."""
    return not isinstance(time.monotonic, BuiltinFunctionType)


def _in_vain(request: Session | None, holder: Session | None) -> tuple[UncommittedWrites, LockWaited] | None:
    waits, holds = (one.checkout if one is not None else None for one in (request, holder))
    if waits is None or holds is None or not holds_for(waits, holds.owner):
        return None
    error = uncommitted_writes(waits, holds, seconds=PATIENCE, lock="a lock")
    return error, waited(waits, holds, PATIENCE, error)
