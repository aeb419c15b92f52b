"""Copies of failed tests' databases."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hermetic.database.backends.sqlite.restore import copies
from hermetic.database.backends.sqlite.restore.worker import SqliteDatabase
from hermetic.database.stored import NotKept

SMALL = 100_000
"""Bytes that a file may have where there is little room."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database with a table and a row."""
    database = SqliteDatabase("shop", tmp_path / "shop.db")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.executescript("CREATE TABLE users (name); INSERT INTO users VALUES ('Ada')")
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a project's copies go."""
    return tmp_path / "project" / ".hermetic" / "kept"


@contextmanager
def small_files() -> Iterator[None]:
    """Let this process write no larger files, as where a file system is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_copy_has_the_rows(database: SqliteDatabase, folder: Path) -> None:
    """It is told where it is and whose it is, and git does not see it."""
    kept = database.keep("test_a.py::test_one", folder)
    file = Path(kept.url.database or "")
    assert file.parent == folder
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM users").fetchall() == [("Ada",)]
    note = copies.kept_files(folder)[file.stem]
    assert (note["test"], note["project"]) == ("test_a.py::test_one", str(folder.parents[1]))
    assert (folder.parent / ".gitignore").read_text() == "*\n"


def test_a_test_has_one_copy(database: SqliteDatabase, folder: Path) -> None:
    """The one of its last failure."""
    database.keep("test_a.py::test_one", folder)
    database.keep("test_a.py::test_two", folder)
    kept = database.keep("test_a.py::test_one", folder)
    assert {path.name for path in folder.glob("*.db")} >= {kept.name}
    assert len(list(folder.iterdir())) == 4


def test_a_lock_of_somebody_s_is_told(
    database: SqliteDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of the attempt."""
    monkeypatch.setattr(copies, "PATIENCE", 0.0)
    with closing(sqlite3.connect(database.path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(NotKept, match="write transaction"):
            database.keep("test_a.py::test_one", folder)
    assert list(folder.iterdir()) == []


def test_nothing_is_left_of_a_copy_that_finds_no_room(database: SqliteDatabase, folder: Path) -> None:
    """A file without a note is one that no command lists or removes."""
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("INSERT INTO users VALUES (?)", ("A" * 2 * SMALL,))
        connection.commit()
    with small_files(), pytest.raises(sqlite3.OperationalError):
        database.keep("test_a.py::test_one", folder)
    assert list(folder.iterdir()) == []
