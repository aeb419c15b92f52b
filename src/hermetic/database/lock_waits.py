"""A wait for a lock that would last for ever: when it is one, and what is said to whoever waits.

A request waits for its own test's uncommitted writes, and the test for the request. A fixture's ``drop_all`` waits for
a session that a wider fixture has open, which ends after it. The database sees nothing wrong there; it says who waits
for whose lock, and ``hermetic.waits`` who of the process can go on. A wait is for ever if whoever would end the
holder's transaction cannot, and nobody who can has that session or connection at hand. What is not certain is not
ended.

Each backend asks this in its own way: PostgreSQL's server is looked at by a thread, SQLite's locks by whoever waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hermetic import collector
from hermetic.code import UNKNOWN
from hermetic.database.in_use import Checkout
from hermetic.errors import Deadlock, HermeticError, UncommittedWrites
from hermetic.events.database import LockWaited
from hermetic.owners import PROCESS
from hermetic.threads import now
from hermetic.waits.graph import MAIN, Able, Graph, Runner, Wait

PAUSE = 0.25
"""Seconds between two looks."""

FIRST_LOOK = 1.0
"""Seconds that a wait has lasted before it is asked whether it is for ever: most are over by then."""

PATIENCE = 1.5
"""Seconds for which a wait must have looked so before it is ended."""

LOOKS = 3
"""Looks in a row that must have shown it: one may come at a bad moment."""

TEXT = 100
"""Characters that are shown of a statement."""


@dataclass(frozen=True)
class LockUser:
    """A connection that waits for a lock, or holds one.

    Attributes:
        checkout: Who has it; None where nobody of this process does.
        connection: What its driver's calls have at hand.
        seconds: For how long it has waited, or has had its transaction idle.
        statement: What waits.
        thread: The thread in which it waits, where that is known.
        is_idle: Whether it executes nothing.
        is_pooled: Whether nobody has it in hand any more, and its session keeps a lock all the same.
        pid: The server's process, where there is one.
    """

    checkout: Checkout | None
    connection: Any
    seconds: float = 0.0
    statement: str = ""
    thread: int | None = None
    is_idle: bool = True
    is_pooled: bool = False
    pid: int = 0


@dataclass(frozen=True)
class LockWait:
    """A connection that waits, and those for whose locks it does.

    Attributes:
        waiter: The one.
        holders: The others; whoever is not of this process is left out.
        lock: What is waited for, as in "the lock of SQLite".
        reads: Whether the holders merely read, which is in the way of a commit of SQLite's.
    """

    waiter: LockUser
    holders: tuple[LockUser, ...]
    lock: str
    reads: bool = False


class Patience:
    """For how long one wait has looked as if it were for ever."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._looks = 0
        self._is_first = True

    def is_over(self, *, for_ever: bool, waited: float) -> bool:
        """Note what a look has shown; return whether that has lasted.

        Args:
            for_ever: What it has shown.
            waited: For how many seconds the wait has lasted: at the first look, it was then so all the while.
        """
        if not for_ever:
            self._since, self._looks, self._is_first = None, 0, False
            return False
        if self._since is None:
            self._since = now() - (waited if self._is_first else 0.0)
            self._is_first = False
        self._looks += 1
        return self._looks >= LOOKS and now() - self._since >= PATIENCE


def stuck_holder(wait: LockWait, others: Sequence[LockWait] = ()) -> LockUser | None:
    """Return the holder that cannot go on before a waiter does; None where each can, for all that is known.

    Args:
        wait: The wait in question.
        others: All others of the same database at the moment.
    """
    with collector.paused():
        graph = Graph()
        waits = [
            Wait(_runner(graph, each.waiter), tuple(_controller(graph, holder) for holder in each.holders))
            for each in (wait, *others)
        ]
        able = graph.able(waits)
        return next((each for each in wait.holders if _is_stuck(graph, able, each)), None)


def _is_stuck(graph: Graph, able: Able, holder: LockUser) -> bool:
    if not holder.is_idle or _controller(graph, holder) in able:
        return False
    if holder.is_pooled:  # whoever takes it next may give the lock back
        return not able.of_the_project
    user = None if holder.checkout is None else holder.checkout.used_by()
    return user is None or not able.have(user.handles())


def _runner(graph: Graph, waiter: LockUser) -> Runner:
    """Return who waits."""
    found = graph.user_of(waiter.connection)
    if found is None:
        found = waiter.thread
    return MAIN if found is None else found


def _controller(graph: Graph, holder: LockUser) -> Runner:
    """Return who would end a connection's transaction: whoever uses it now, or took it, or goes on with the tests."""
    found = graph.user_of(holder.connection)
    if found is not None:
        return found
    user = None if holder.checkout is None else holder.checkout.used_by()
    if user is None:
        return MAIN
    if user.task is not None and graph.is_turned(user.task):
        return user.task
    if user.loop is None and user.thread is not None and user.thread.is_alive() and user.thread.ident:
        return user.thread.ident
    return MAIN


# -- what is said


def error_of(wait: LockWait, holder: LockUser) -> HermeticError:
    """Return what is raised where a statement waits: it names both, and what to do."""
    waiter = _checkout(wait.waiter)
    other = _checkout(holder)
    if (
        waiter.owner.kind == "request"
        and other.owner.kind in ("test", "fixture")
        and other.owner.is_test_level
    ):
        return _uncommitted_writes(waiter, other, wait)
    if holder.is_pooled:
        held = "took, and gave its connection back with it,"
    else:
        held = "holds in a transaction" if not wait.reads else "keeps by reading in a transaction"
    return Deadlock(
        f"{waiter.owner.name} waits for ever at {waiter.location}: {other.owner.name} cannot go on before it.",
        why=(
            f"{shown(wait.waiter.statement)} waited {PATIENCE} seconds for {wait.lock}, which {other.owner.name} {held}"
            f" that has been idle for {holder.seconds:.1f} seconds; its connection was taken at {other.location}.\n"
            "Whoever would go on there waits, in Python, for the statement: no database sees such a deadlock."
        ),
        hints=_hints(wait, holder),
    )


def _hints(wait: LockWait, holder: LockUser) -> tuple[str, ...]:
    other = _checkout(holder)
    if holder.is_pooled:
        return (
            f"give the lock back on the connection that took it, at {other.location}: pg_advisory_unlock",
        )
    hints = [
        f"commit, roll back or close at {other.location} before that statement: 'async with' does it for you"
    ]
    if other.owner.kind == "fixture" and not other.owner.is_test_level:
        hints.append(
            f"or give {other.owner.name} the scope of those who use it, so that it ends before they do"
        )
    words = wait.waiter.statement.split(None, 1)
    if words and words[0].upper() in ("DROP", "TRUNCATE", "DELETE"):
        hints.append(
            "or delete what empties the database: hermetic brings its baseline back before each test"
        )
    return tuple(hints)


def _uncommitted_writes(request: Checkout, test: Checkout, wait: LockWait) -> UncommittedWrites:
    return UncommittedWrites(
        f"your test {'is still reading' if wait.reads else 'holds uncommitted writes'} ({test.location}); "
        f"{'end its transaction' if wait.reads else 'commit'} before the request",
        why=(
            f"{request.owner.name} waited {PATIENCE} seconds at {request.location} for {wait.lock} "
            f"that {test.owner.name} holds, while the test waits for the request."
        ),
        hints=(
            f"await session.{'rollback' if wait.reads else 'commit'}() at {test.location}, before the request is sent",
            "the database is put back after the test, so that a real commit leaves nothing behind",
        ),
    )


def told_of(wait: LockWait, holder: LockUser, error: HermeticError) -> LockWaited:
    """Return what is told of it, whether or not the application swallows the error."""
    waiter, other = _checkout(wait.waiter), _checkout(holder)
    return LockWaited(waiter.owner, waiter.location, other.owner, other.location, PATIENCE, str(error))


def shown(statement: str) -> str:
    """Return what is shown of a statement."""
    line = " ".join(statement.split())
    return (line if len(line) <= TEXT else f"{line[:TEXT]}...") or "a statement"


def _checkout(user: LockUser) -> Checkout:
    return user.checkout or Checkout(PROCESS, UNKNOWN, "")
