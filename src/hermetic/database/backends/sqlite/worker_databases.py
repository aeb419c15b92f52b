"""Where SQLite's worker databases lie: a private directory of the run, in memory where the machine has such a place.

The directory is held by a lock that the kernel drops when the process ends, however it ends; the next run removes the
directories whose lock nobody holds, and nothing else. A normal exit leaves nothing behind.
"""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Collection
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import NoReturn
from urllib.parse import quote

from hermetic.database import folders
from hermetic.database.backends.sqlite.restore.worker import SqliteDatabase
from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.protocols import Wait, WorkerDatabase, as_it_is
from hermetic.errors import ConfigurationError, HermeticError
from hermetic.owners import Owner
from hermetic.steps import every_step

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: no lock tells whether a run is alive, so nothing is removed
    fcntl = None  # type: ignore[assignment]

ROOM = 32 * 1024 * 1024
"""Bytes that must be free in memory. A container's /dev/shm often has just 64 MB."""

LOCK = "lock"


class SqliteServer:
    """Makes worker databases as files; see ``hermetic.database.protocols.Server``.

    Args:
        directory: Where the run's own directory is made; by default in memory, else where temporary files go.
        label: Who runs, for people who look into the directory: the project, the xdist worker.
        wait: Does what waits for the locks of the application.
        may_export: Whether a statement may write a copy of a database to a file.
        templates: What databases may be filled from.
    """

    backend = "sqlite"

    def __init__(
        self,
        directory: Path | None = None,
        label: str = "",
        wait: Wait = as_it_is,
        may_export: Callable[[str], bool] = lambda file: True,
        templates: TemplateFiles | None = None,
    ) -> None:
        self._templates = templates
        self._may_export = may_export
        self._parent = directory
        self._label = label
        self._wait = wait
        self._mutex = RLock()
        self._home: Path | None = None
        self._lock: int | None = None
        self._pid = os.getpid()
        self._databases: list[SqliteDatabase] = []

    @property
    def named(self) -> Collection[str]:
        """SQLite has no CREATE DATABASE."""
        return ()

    def look(self, owner: Owner | None = None, *, asked: str = "") -> None:
        """So that there is none to find."""

    def explain(self, error: BaseException) -> HermeticError | None:
        """Nobody else is on it."""
        return None

    def adopt(self, name: str) -> NoReturn:
        """There is nothing to adopt."""
        raise NotImplementedError(name)  # pragma: no cover - nothing is ever named

    def undo(self) -> None:
        """Nor to undo."""

    def begin(self) -> None:
        """There is nothing to start."""

    def create(self, name: str, user: str | None = None) -> SqliteDatabase:
        """Make a new, empty worker database.

        Args:
            name: What it is called; any text.
            user: SQLite knows none.

        Raises:
            ConfigurationError: The directory cannot be written, or its file system is full.
        """
        with self._mutex:
            try:
                path = self._directory() / f"{_file_name(name)}.db"
                path.unlink(missing_ok=True)
                database = SqliteDatabase(name, path, self._wait, self._may_export, self._templates)
            except (OSError, sqlite3.OperationalError) as error:
                raise _unusable(self._home or self._parent or folders.default_parent(ROOM), error) from error
            self._databases.append(database)
            return database

    def create_empty(self, name: str, user: str | None = None) -> SqliteDatabase:
        """Make a database for one test; an ordinary one is empty."""
        return self.create(name, user)

    def drop(self, database: WorkerDatabase) -> None:
        """Close and remove a database that was made here."""
        database.close()
        self._databases = [each for each in self._databases if each is not database]

    def stop(self) -> None:
        """Close and remove every database made here, and the directory."""
        with self._mutex:
            if self._home is None or os.getpid() != self._pid:
                return  # nothing was made, or a forked child is ending, and the files are its parent's
            with every_step() as step:
                for database in self._databases:
                    with step:
                        database.close()
                self._databases.clear()
                shutil.rmtree(self._home, ignore_errors=True)
                if self._lock is not None:  # pragma: no branch - see the import of fcntl
                    os.close(self._lock)
                self._home = self._lock = None
                atexit.unregister(self.stop)

    def _directory(self) -> Path:
        if self._home is None:
            parent = self._parent or folders.default_parent(ROOM)
            parent.mkdir(parents=True, exist_ok=True)
            remove_dead(parent)
            self._home = Path(tempfile.mkdtemp(prefix=folders.prefix(), dir=parent))
            self._lock = _hold(self._home, f"process {os.getpid()} {self._label}\n")
            self._pid = os.getpid()
            atexit.register(self.stop)
        return self._home


def remove_dead(parent: Path) -> list[Path]:
    """Remove the directories of runs that are dead.

    Args:
        parent: Where the runs have their directories.

    Returns:
        What was removed.
    """
    dead = folders.dead_homes(parent, f"{folders.prefix()}*", _is_dead)
    for home in dead:
        shutil.rmtree(home, ignore_errors=True)
    return dead


def _hold(home: Path, text: str) -> int | None:
    """Hold the lock of a directory; it appears under its name only once it is held."""
    if fcntl is None:  # pragma: no cover - see the import
        return None
    new = home / f"{LOCK}.new"
    held = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    os.write(held, text.encode())
    new.rename(home / LOCK)
    return held


def _is_dead(home: Path) -> bool:
    if fcntl is None:  # pragma: no cover - see the import
        return False
    try:
        lock = os.open(home / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False  # it is not a run's, or it is being made or removed just now
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _file_name(name: str) -> str:
    safe = quote(name, safe=" '\"()[]{}+,=@!#~")
    if len(safe) <= 100 and safe not in ("", ".", ".."):
        return safe
    return f"{safe[:60]}-{sha256(name.encode()).hexdigest()[:16]}"


def _unusable(place: Path, error: OSError | sqlite3.OperationalError) -> ConfigurationError:
    if isinstance(error, OSError):
        return folders.unusable(place, error.strerror, error.errno)
    full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return folders.unusable(place, str(error), errno.ENOSPC if full else None)
