"""Who is connected to a worker database, and how they are ended where nobody may be.

A copy of a database can be made only while nobody is connected to it, idle or not. A pool of SQLAlchemy's replaces
what is gone at its next checkout. A pool of a raw driver does so too where it hears of it: its idle connections are
closed on our side first, in their loop, so that asyncpg and psycopg_pool open others. Everybody else who outlives the
test is named and left alone: a connection in use, one without a pool, one that another process opened.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.backends.postgresql.restore.sessions import Session, Sessions
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.in_use import RawConnection

LOOP_PATIENCE = 1.0
"""Seconds that the loop of another thread has to close a connection; then the server ends it."""


LOOKS = 60
"""Of 5 ms: how long somebody may take to arrive, or to be gone on the server's side."""

Replace = Callable[[Any, Sequence[DBAPIConnection] | None], None]
"""Tells the pools that connections of a worker database are gone: these, or (None) all."""


class Connected:
    """The connections to one worker database, whoever opened them.

    Args:
        name: The database.
        host: The server's side.
        replace: Tells SQLAlchemy's pools which connections are gone: these, or (None) all.
    """

    def __init__(
        self, name: str, host: PostgresqlHost, replace: Callable[[Sequence[DBAPIConnection] | None], None]
    ) -> None:
        self.sessions = Sessions()
        self._name = name
        self._host = host
        self._replace = replace

    def outliving(self) -> list[str]:
        """Name those who outlive the test and must not be ended, a line each."""
        beyond = self.beyond_pools()
        return [*_checked_out(self.sessions.where(lambda one: not one.is_of_a_test)), *beyond]

    def beyond_pools(self) -> list[str]:
        """Name those who outlive the test, and whom no pool would replace."""
        strangers = self._strangers()
        kept = [raw for raw in self._kept() if not raw.owner.is_test_level]
        return [*map(_describe, kept), *strangers]

    def busy(self) -> list[str]:
        """Name those who must not be ended while a test goes on: its own work too."""
        strangers = self._strangers()
        return [*_checked_out(self._used()), *map(_describe, self._kept()), *strangers]

    def are_idle(self) -> bool:
        """Whether everybody may be ended even while a test goes on, at a glance."""
        return not self._used() and not self._kept() and not self._look(1)

    def _used(self) -> list[Session]:
        return self.sessions.where(lambda one: one.checkout is not None)

    def _kept(self) -> list[RawConnection]:
        return [raw for raw in self.sessions.raw.all() if not _is_replaced(raw)]

    def _strangers(self) -> list[str]:
        """Name those whom nobody here opened; who is just coming, or going, can do so while loops turn."""
        found = self._look(1)
        if found:
            found = self._host.wait(lambda: self._look(LOOKS))
        return [f"  {one}, which this process did not open" for one in found]

    def _look(self, times: int) -> list[str]:
        return self._host.strangers(self._name, self._pids, times)

    def _pids(self) -> list[int]:
        pids = [one.pid for one in self.sessions.all()] + [raw.pid for raw in self.sessions.raw.all()]
        return [pid for pid in pids if pid is not None]

    def end(self, sessions: Sequence[Session]) -> None:
        """End some of SQLAlchemy's, on the server's side, and have their pools replace them."""
        pids = [one.pid for one in sessions if one.pid is not None]
        self._replace([one.connection for one in sessions])
        if pids:
            self._host.end_sessions(self._name, pids)

    def end_all(self) -> None:
        """End everybody's; each pool opens another when it is next asked."""
        self._replace(None)
        for raw in self.sessions.raw.all():
            _close(raw)
        self._host.end_sessions(self._name)

    def replace_idle(self) -> None:
        """End what lies in pools: drivers keep what they learnt of types and plans, which are gone."""
        if self.sessions.where(lambda one: not one.is_of_a_test):
            self._close_idle()  # somebody's own; the types and tables that went were not the baseline's
        else:
            self.replace_those_of_tests()

    def replace_those_of_tests(self) -> None:
        """End what lies in pools or is a test's, whoever else has a connection."""
        self.end(self.sessions.where(lambda one: one.is_of_a_test))
        self._close_idle()

    def _close_idle(self) -> None:
        for raw in filter(_is_replaced, self.sessions.raw.all()):
            _close(raw)


def _is_replaced(raw: RawConnection) -> bool:
    """Whether nobody notices that a connection is gone."""
    return raw.is_idle and raw.is_replaceable


def _close(raw: RawConnection) -> None:
    """Close a connection on our side, in the thread of its loop where that runs."""
    loop = raw.loop
    if loop is None or not loop.is_running() or loop is asyncio._get_running_loop():
        raw.end()
        return
    closed = threading.Event()

    def close() -> None:
        raw.end()
        closed.set()

    with suppress(RuntimeError):  # it has just been closed
        loop.call_soon_threadsafe(close)
        closed.wait(LOOP_PATIENCE)


def _checked_out(sessions: Sequence[Session]) -> list[str]:
    return [
        f"  {one.checkout.owner.name}, checked out at {one.checkout.location}"
        for one in sessions
        if one.checkout
    ]


def _describe(raw: RawConnection) -> str:
    return f"  {raw.owner.name}, opened by {raw.driver.name} at {raw.location}"
