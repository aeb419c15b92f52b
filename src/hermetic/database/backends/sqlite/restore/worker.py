"""One worker database of SQLite: a real file in memory, put back by copying pages.

Why a file, and not SQLite's ``memdb`` (one in-process database for many connections), which restores in less than half
the time? Because on ``memdb`` a reader is refused ("database is locked") for as long as any connection has an
uncommitted write, which no production database does, while on a file it reads on. The file lies on tmpfs where there
is one; a subprocess can open it too, and the application's own ``PRAGMA journal_mode=WAL`` means what it says.

Measured with 60 tables on tmpfs, one row written, SQLite 3.40 (medians):

    =============================  ==========  ============  ====================================
    where                          restore     clean check   a reader, while another writes
    =============================  ==========  ============  ====================================
    memdb                          0.06 ms     3 us          "database is locked"
    file, journal in memory        0.15 ms     13 us         reads on
    file, WAL                      0.25 ms     7 us          reads on
    file, journal as by default    0.44 ms     16 us         reads on
    =============================  ==========  ============  ====================================

``create_all`` of those tables takes 203 ms. Here the journal is kept in memory unless the application chose WAL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.backends.sqlite.restore import open_work
from hermetic.database.backends.sqlite.restore.changes import Changes
from hermetic.database.backends.sqlite.restore.connection import connect_arguments, tracked
from hermetic.database.backends.sqlite.restore.copies import Blocked, Snapshot, Templated, keep_file
from hermetic.database.backends.sqlite.restore.database_state import DatabaseState, in_wal
from hermetic.database.backends.sqlite.restore.difference import quoted
from hermetic.database.backends.sqlite.restore.references import broken_references
from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.driver_seams import uncontained
from hermetic.database.in_use import Checkout, OpenWork
from hermetic.database.layers import Layer, Layers, Start
from hermetic.database.protocols import Wait, as_it_is
from hermetic.database.stored import Kept
from hermetic.database.templates import Build, Outdated, digest, fill
from hermetic.events.database import ReferenceBroken
from hermetic.owners import Owner

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds that a restore waits for the locks of others before it names them."""


class SqliteDatabase:
    """The worker database of one target; see ``hermetic.database.protocols.WorkerDatabase``.

    Args:
        name: What reports call it.
        path: Its file, which does not exist yet.
        wait: Does what waits for the locks of the application.
        may_export: Whether a statement may write a copy of it to a file.
        templates: What it may be filled from.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        wait: Wait = as_it_is,
        may_export: Callable[[str], bool] = lambda file: True,
        templates: TemplateFiles | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self._wait = wait
        self._state = DatabaseState(path)
        self._state.may_export = may_export
        self._mutex = RLock()
        with uncontained():
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._templated = (
            Templated(self._connection, templates, self._patiently) if templates is not None else None
        )
        try:
            self._connection.execute("PRAGMA journal_mode=MEMORY").close()
            self._connection.execute("PRAGMA synchronous=OFF").close()
            self._changes = Changes(self._version, self._snapshot)
            self._layers = Layers(self._changes)
        except BaseException:
            self._connection.close()
            raise

    @property
    def url(self) -> URL:
        """The URL at which any driver reaches it."""
        return URL.create("sqlite", database=str(self.path))

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open a connection for the application.

        Args:
            dialect: The engine's; pysqlite's or aiosqlite's.
            args: The positional arguments its engine would have connected with.
            params: The named ones; ``timeout``, ``isolation_level``, ``factory`` and the like keep their meaning.
        """
        database, arguments = connect_arguments(self._state, args, params)
        return dialect.connect(database, **arguments)

    def holds(self, connection: DBAPIConnection) -> bool:
        """Whether it is one of those that it knows."""
        found = tracked(connection)
        return found is not None and found.state is self._state

    def reach(self, user: str | None) -> URL:
        """Return where a driver of the project's own connects."""
        return self.url

    def note_raw(self, raw: object) -> None:
        """Its connections know who they are themselves."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Learn who uses a connection that ``open`` returned; None when it went back to its pool."""
        found = tracked(connection)
        if found is not None:
            found.checkout = checkout

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Its connections are held weakly: there is nothing to forget."""

    @property
    def exists(self) -> bool:
        """It is made at once."""
        return True

    def fill(self, fingerprint: Callable[[], str], build: Build, outdated: Outdated) -> str:
        """Fill it; see ``hermetic.database.templates``."""
        if self._templated is None or not self._is_empty():
            build()
            return ""
        return fill(self._templated, lambda: digest([fingerprint(), sqlite3.sqlite_version]), build, outdated)

    def _is_empty(self) -> bool:
        try:
            ((version,),) = self._connection.execute("PRAGMA user_version").fetchall()
            return (
                not version and not self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            )
        except sqlite3.OperationalError:
            return False  # somebody is writing into it

    def mark_baseline(self) -> None:
        """Make what the database holds now its baseline."""
        with self._mutex:
            self._changes.mark()
            self._layers.forget()

    def dirty(self) -> bool:
        """Whether anything was committed since the baseline was last in place."""
        with self._mutex:
            return self._changes.is_dirty(self._version())

    @property
    def is_pristine(self) -> bool:
        """Whether it holds what was last marked, and no fixture's layer."""
        with self._mutex:
            return not self.dirty() and not self._layers.changes

    @property
    def is_schema_alone(self) -> bool:
        """Whether it holds tables, and rows in none but Alembic's own, and nobody is at work in it."""
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        with self._mutex, suppress(sqlite3.OperationalError):  # of somebody who is writing
            tables = [name for (name,) in self._connection.execute(query).fetchall()]
            filled = [
                f"EXISTS (SELECT * FROM {quoted(name)})" for name in tables if name != "alembic_version"
            ]
            return (
                bool(tables)
                and not self._connection.execute(f"SELECT {' OR '.join(filled) or '0'}").fetchone()[0]
            )
        return False

    def broken_references(self) -> list[ReferenceBroken]:
        """Return the foreign keys of rows that refer to nothing."""
        with self._mutex:
            return broken_references(self._connection, self._state)

    def end_open_work(self, *, of: Sequence[Owner]) -> list[OpenWork]:
        """End the open transactions and cursors of these owners; return what was ended.

        A request, and a fixture that ends with a test, count as their parent's too.
        """
        return open_work.end_open_work(self._state, of)

    def restore(self) -> bool:
        """Bring the baseline back, with the application's connections open.

        Returns:
            Whether there was anything to undo.

        Raises:
            RestoreError: Open work blocked it for two seconds; says whose, and leaves it alone.
        """
        with self._mutex:
            seen = self._version()
            if not self._changes.is_dirty(seen):
                return False
            self._write_back()
            after = self._version()
            if after != seen:  # a commit came between, or the page size went back, which counts as one
                self._write_back()
            self._changes.note_restored(after)
            self._mark_survivors()
            return True

    def keep(self, test: str, folder: Path) -> Kept:
        """Copy what it holds now into a file of ``folder``."""
        with self._mutex:
            return keep_file(self._connection, test, folder)

    def begin_layer(self) -> Start:
        """Note the state before a wider-scoped fixture's set-up; calls nest, and each must be ended, in reverse."""
        with self._mutex:
            return self._layers.begin()

    def end_layer(self, start: Start, owner: Owner) -> Layer | None:
        """Take what was written since ``start`` into the baseline.

        Raises:
            LayerConflict: It builds on what the test wrote before the set-up began.
        """
        with self._mutex:
            return self._layers.end(start, owner)

    def remove_layer(self, layer: Layer) -> None:
        """Take a layer out of the baseline, in any order; the database is dirty until it is restored.

        Raises:
            LayerConflict: A later layer builds on it; it goes together with that one.
        """
        with self._mutex:
            self._layers.remove(layer)

    def close(self) -> None:
        """Close every connection and remove the files."""
        with self._mutex:
            for connection in self._state.connections.members():
                with suppress(sqlite3.OperationalError):  # a statement that will not stop keeps its own open
                    connection.close()
            self._connection.close()
            for suffix in ("", "-journal", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _version(self) -> int | None:
        """Return SQLite's count of other connections' commits; None while one of them is being made."""
        try:
            rows = self._connection.execute("PRAGMA data_version").fetchall()
        except sqlite3.OperationalError:
            return None
        version: int = rows[0][0]
        return version

    def _write_back(self) -> None:
        current = self._changes.current
        try:
            self._patiently(lambda seconds: current.write_to(self._connection, seconds))
        except Blocked:
            raise open_work.restore_blocked(self._state, self.name) from None
        except sqlite3.Error as error:
            raise open_work.not_restored(
                self._state, self.name, error, wal=in_wal(self._connection)
            ) from error

    def _snapshot(self) -> Snapshot:
        try:
            return self._patiently(lambda seconds: Snapshot.take(self._connection, seconds))
        except Blocked:
            raise open_work.snapshot_blocked(self._state, self.name) from None

    def _patiently(self, copying: Callable[[float], T]) -> T:
        """Copy pages at once, or, where a lock is in the way, first of all who wait for it, while others go on."""
        try:
            return copying(0.0)
        except Blocked:
            return self._wait(lambda: self._first_in_line(copying))

    def _first_in_line(self, copying: Callable[[float], T]) -> T:
        waiter = self._state.queue.lead()
        try:
            return copying(PATIENCE)
        finally:
            self._state.queue.leave(waiter)
            self._state.queue.wake()

    def _mark_survivors(self) -> None:
        """Note whose open read transaction is now older than the database, which only WAL mode allows.

        Asked for last: ``PRAGMA journal_mode`` makes our connection parse the whole schema again, 0.2 ms for 20 tables.
        """
        survivors = [one for one in self._state.connections.members() if one.has_snapshot()]
        if survivors and in_wal(self._connection):
            for connection in survivors:
                connection.outdated = True
