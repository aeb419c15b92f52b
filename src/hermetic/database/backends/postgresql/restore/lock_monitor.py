"""Finds the statement that waits for a lock of somebody who cannot go on before it.

PostgreSQL sees no deadlock there: the test, or the fixture, which holds the lock waits in Python. So while two
connections of one database are in use, the server is asked four times a second who waits for whom; a wait that is in
vain (``hermetic.database.lock_waits``) and lasts is cancelled, and the driver's error becomes one that says what
happened.

At all other times nothing is asked, and there is no thread: a suite that looks for threads that a test left behind
finds none of ours, and a fork no other thread. In an event loop, where nearly everything is over before the first look
would be, a timer of the loop's starts the thread (3 us; a thread for each checkout would be 100). A check-in after
which there is nothing to watch ends it, and waits for that.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from types import BuiltinFunctionType
from typing import Any
from weakref import WeakSet

from sqlalchemy import ExceptionContext
from sqlalchemy.engine.interfaces import AdaptedConnection

from hermetic.database import lock_waits
from hermetic.database.backends.postgresql.restore.drivers import driver_connection, sqlstate
from hermetic.database.backends.postgresql.restore.sessions import Session, Sessions
from hermetic.database.backends.postgresql.server.host import Activity, PostgresqlHost
from hermetic.database.lock_waits import LockUser, LockWait, Patience, error_of, stuck_holder, told_of
from hermetic.errors import HermeticError
from hermetic.events import emit, listeners
from hermetic.events.database import LockWaited
from hermetic.threads import OURS

log = logging.getLogger("hermetic.locks")

END_PATIENCE = 5.0
"""Seconds that a check-in waits for the thread's end, which may be asking a server that does not answer."""

QUERY_CANCELED = "57014"


class LockMonitor:
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
        self._waits: dict[int, Patience] = {}
        self._cancelled: dict[int, HermeticError] = {}
        self._cancelling = threading.Lock()

    def note(self, session: Session) -> None:
        """Learn that a connection was taken from its pool, or given back."""
        if session.checkout is None:
            self.note_end(session)
        elif not self._is_watching and self._is_needed():
            self._begin(session.connection)

    def note_end(self, session: Session) -> None:
        """Learn that a connection was given back, or closed."""
        self.forget(session)
        if self._thread is not None and not self._is_needed():
            self.stop()

    def note_raw(self, connection: Any) -> None:
        """Learn that a connection of a driver's own was opened, or lent by its pool; nobody says when it goes back."""
        if not self._is_watching and self._is_needed():
            self._begin(connection)

    @property
    def _is_watching(self) -> bool:
        return self._thread is not None and not self._over.is_set()

    def _is_needed(self) -> bool:
        """Whether one connection in use may wait for another."""
        return self._sessions.are_several_in_use()

    def _begin(self, connection: Any) -> None:
        """Start the thread: at once, or by a timer of the loop that runs here, where that turns while one waits."""
        loop = asyncio._get_running_loop()
        if loop is None or _clock_is_stopped() or not _is_async(connection):
            self._start()
        elif loop not in self._timed:
            self._timed.add(loop)
            loop.call_later(lock_waits.PAUSE, self._begin_late, loop)

    def _begin_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timed.discard(loop)
        if self._is_needed():
            self._start()

    def _start(self) -> None:
        with self._lock:
            if not self._is_watching:
                self._over = threading.Event()
                thread = threading.Thread(
                    target=self._watch, args=(self._over,), name=f"{OURS}locks", daemon=True
                )
                thread.start()
                self._thread = thread  # only now: a check-in in another thread may wait for its end at once

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(lock_waits.PAUSE):
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
        activity = {each.pid: each for each in self._host.activity(self._name)}
        waits = {pid: self._wait_of(each, activity) for pid, each in activity.items() if each.blockers}
        self._waits = {pid: self._waits.get(pid) or Patience() for pid in waits}
        for pid, wait in waits.items():
            if activity[pid].seconds < lock_waits.FIRST_LOOK:
                continue
            holder = stuck_holder(wait, [each for other, each in waits.items() if other != pid])
            waited = activity[pid].seconds
            if not self._waits[pid].is_over(for_ever=holder is not None, waited=waited) or holder is None:
                continue
            if self._is_unchanged(activity, pid, holder.pid):
                del self._waits[pid]
                self._cancel(pid, wait, holder)
                return  # it may have been what the others wait for

    def _is_unchanged(self, before: dict[int, Activity], waiter: int, holder: int) -> bool:
        """Whether one still waits for another, and neither has done anything while the process was looked at."""
        after = {each.pid: each for each in self._host.activity(self._name)}
        if waiter not in after or holder not in after or holder not in after[waiter].blockers:
            return False
        return all(after[pid].seconds >= before[pid].seconds for pid in (waiter, holder))

    def _wait_of(self, each: Activity, activity: dict[int, Activity]) -> LockWait:
        blockers = [activity[pid] for pid in each.blockers if pid in activity]
        holders = [holder for other in blockers if (holder := self._user_of(other)) is not None]
        waiter = self._user_of(each) or LockUser(None, None, each.seconds, each.statement, is_idle=False)
        return LockWait(waiter, tuple(holders), "a lock")

    def _user_of(self, each: Activity) -> LockUser | None:
        session = self._sessions.by_pid(each.pid)
        if session is None:
            return None
        connection = driver_connection(session.connection)
        return LockUser(
            session.checkout or session.latest,
            connection,
            each.seconds,
            each.statement,
            is_idle=not each.is_active,
            is_pooled=session.checkout is None,
            pid=each.pid,
        )

    def _cancel(self, pid: int, wait: LockWait, holder: LockUser) -> None:
        error = error_of(wait, holder)
        self._cancelled[pid] = error  # before it is: the driver may be told at once
        is_cancelled = False
        try:
            with self._cancelling:
                is_cancelled = self._host.cancel(pid)
                if is_cancelled and LockWaited in listeners:
                    emit(told_of(wait, holder, error))
        finally:
            if not is_cancelled:  # it got its lock meanwhile, or nothing could be asked
                self._cancelled.pop(pid, None)

    def explain(self, context: ExceptionContext, session: Session) -> None:
        """Raise, in place of what a driver says of a cancelled statement, why it was.

        Raises:
            UncommittedWrites: It was cancelled here, as a request that waited for its test.
            Deadlock: It was cancelled here, as anything else.
        """
        if self._cancelled:
            with self._cancelling:  # so that it is told of before its test can end
                pass
        error = self.forget(session)
        if error is not None and sqlstate(context.original_exception) == QUERY_CANCELED:
            raise error from context.original_exception

    def forget(self, session: Session) -> HermeticError | None:
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


def _is_async(connection: Any) -> bool:
    """Whether a loop turns while a connection waits for its server."""
    if isinstance(connection, AdaptedConnection):
        return True
    return inspect.iscoroutinefunction(getattr(type(connection), "execute", None))
