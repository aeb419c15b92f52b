"""Databases beside the application's: those that code under test makes itself, and an empty one for a test.

The former come by CREATE DATABASE, and may be dropped at any moment.

Most suites with a database of their own drop it by ``pg_terminate_backend`` over ``pg_stat_activity``, then DROP
DATABASE, as a role that is no superuser: a session of ours in it makes the first fail and blocks the second. So nobody
of ours stays: what has to be done in it is done by a session that opens for it and has ended before the application
goes on. That costs a restore 8 ms instead of 0.4 where anything was written to the server, and otherwise nothing:
the server's own session tells. So what a test wrote costs it once, at the test's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hermetic.database.backends.postgresql.restore.connected import Replace
from hermetic.database.backends.postgresql.restore.worker import PostgresqlDatabase
from hermetic.database.backends.postgresql.server.host import PostgresqlHost


class CreatedDatabase(PostgresqlDatabase):
    """See ``PostgresqlDatabase``; what it holds when its first engine connects is its first baseline.

    Args:
        name: Its name on the server.
        host: The server's side.
        owner: The role that owns it.
        replace: Tells the pools which connections are gone.
        copies: How the names of its copies begin: nobody else's may be in their way, and they go with the run.
        is_of_a_test: Whether it is dropped when the test ends: then it needs no baseline.
        look: Has it disappear where it is gone, or another one has its name: a driver or a program may have dropped it.
    """

    def __init__(
        self,
        name: str,
        host: PostgresqlHost,
        owner: str,
        replace: Replace,
        copies: str,
        *,
        is_of_a_test: bool,
        look: Callable[[], None],
    ) -> None:
        super().__init__(name, host, owner, replace, copies)
        self._born = True
        self._is_being_filled = is_of_a_test
        self._depth = 0
        self._place: str | None = None
        self._look = look

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._mutex:
            self._depth += 1
            try:
                if self._depth == 1 and self.exists:
                    self._look()
                    self._place = self._host.place(self.name) if self.exists else None
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._baseline.leave()

    def restore(self) -> bool:
        """Bring the baseline back; nobody connects where nothing was written."""
        with self._at_work():
            if self._is_untouched():
                return False
            undone = super().restore()
            if undone:
                super().restore()  # finds all in place, and notes that: before the next test nobody has to connect
            return undone

    def _is_untouched(self) -> bool:
        return (
            self._baseline.was_seen_at(self._place) and not self._changes.has_pending and not self._changed()
        )


class EmptyPostgresqlDatabase(PostgresqlDatabase):
    """A database that has no baseline: it is dropped when its test ends, and not restored."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._is_being_filled = True  # for good: so no baseline is ever marked in it

    def dirty(self) -> bool:
        """Whether there may be something in it."""
        return self.exists

    def close(self) -> None:
        """Drop it; what the test's engines still hold is told to go."""
        self.connected.end_all()
        super().close()
