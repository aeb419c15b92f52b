"""What a driver wrote into a file before an engine named it is what that engine's database begins with."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hermetic.code import Location
from hermetic.database.backend import Address
from hermetic.database.backends.sqlite.restore.worker import SqliteDatabase
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.drivers.earlier import EarlierFiles
from hermetic.database.in_use import Maker
from hermetic.events.lifecycle import FileNamedLate
from hermetic.owners import Owner, Scope
from tests.hearing import hearing


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A worker database that is still empty."""
    server = SqliteServer(tmp_path / "server")
    yield server.create("worker")
    server.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that no engine names yet."""
    return tmp_path / "notes?.db"


@pytest.fixture
def earlier(tmp_path: Path) -> EarlierFiles:
    """Those of a run."""
    return EarlierFiles(tmp_path)


def maker(scope: Scope = "session", file: str = "conftest.py") -> Maker:
    """Somebody who opens a file."""
    return Maker(Owner("it", "fixture", scope), Location(file, 3, "tables"))


def write(file: Path, *, mode: str = "DELETE") -> None:
    """Make a table in it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute("CREATE TABLE notes (text)")


def tables(worker: SqliteDatabase) -> list[str]:
    """Name the tables of a worker database."""
    with closing(sqlite3.connect(worker.path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_it_begins_as_a_copy(mode: str, earlier: EarlierFiles, worker: SqliteDatabase, file: Path) -> None:
    """That is its baseline, and told of by the line that opened the file."""
    address = Address("sqlite", str(file))
    by = maker()
    earlier.add(address, by)
    write(file, mode=mode)
    with hearing(FileNamedLate) as told:
        assert earlier.openings[address].put_into(worker)
    assert tables(worker) == ["notes"]
    assert not worker.dirty()
    assert told == [FileNamedLate(by.owner, by.location, str(file))]


def test_what_a_running_test_made_is_no_baseline(
    earlier: EarlierFiles, worker: SqliteDatabase, file: Path
) -> None:
    """The next test may find the file gone."""
    address = Address("sqlite", str(file))
    earlier.add(address, maker("function"))
    write(file)
    assert earlier.openings[address].put_into(worker)
    assert worker.restore()
    assert tables(worker) == []


def test_what_was_there_before_the_test_is(earlier: EarlierFiles, worker: SqliteDatabase, file: Path) -> None:
    """It stays for the tests after it."""
    address = Address("sqlite", str(file))
    write(file)
    earlier.add(address, maker("function"))
    earlier.add(address, maker("function"))
    assert earlier.openings[address].put_into(worker)
    assert not worker.dirty()


def test_what_a_test_has_left_is(earlier: EarlierFiles, worker: SqliteDatabase, file: Path) -> None:
    """As it is for all later tests when nobody watches."""
    address = Address("sqlite", str(file))
    by = maker("function")
    earlier.add(address, by)
    write(file)
    by.owner.alive = False
    assert earlier.openings[address].put_into(worker)
    assert not worker.dirty()


def test_the_latest_that_made_it_counts(earlier: EarlierFiles, worker: SqliteDatabase, file: Path) -> None:
    """A file that is gone is made again by somebody else."""
    address = Address("sqlite", str(file))
    earlier.add(address, maker("function"))
    earlier.add(address, maker("session"))
    write(file)
    assert earlier.openings[address].put_into(worker)
    assert not worker.dirty()


def test_a_file_without_tables_says_nothing(
    earlier: EarlierFiles, worker: SqliteDatabase, file: Path
) -> None:
    """Nor one that is gone, nor one that nobody opened."""
    address = Address("sqlite", str(file))
    with hearing(FileNamedLate) as told:
        assert address not in earlier.openings
        earlier.add(address, maker())
        assert not earlier.openings[address].put_into(worker)
        sqlite3.connect(file).close()
        assert not earlier.openings[address].put_into(worker)
    assert told == []


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_what_nothing_ever_names_is_told(
    mode: str, earlier: EarlierFiles, file: Path, tmp_path: Path
) -> None:
    """By the application's line that opened it, with what to write."""
    earlier.add(Address("sqlite", str(file)), maker(file=str(tmp_path / "app/db.py")))
    write(file, mode=mode)
    assert list(earlier.left()) == [
        "notes?.db was opened at app/db.py:3, and what tests wrote is still in it: no setting and no engine names it"
        " as a database of the application's",
        "  to leave it alone, and restore what stands in its place:"
        " hermetic_targets = sqlite:///notes?.db -> sqlite:///notes?.db",
    ]


@pytest.mark.parametrize(
    ("by", "inside", "is_written", "is_named"),
    [
        ("tests/db.py", True, True, False),
        ("app/db.py", False, True, False),
        ("app/db.py", True, False, False),
        ("app/db.py", True, True, True),
    ],
    ids=["a test's", "outside", "only read", "named"],
)
def test_what_is_no_database_of_the_applications_is_not(
    tmp_path: Path, worker: SqliteDatabase, by: str, inside: bool, is_written: bool, is_named: bool
) -> None:
    """It may be anybody's data, or is in its place."""
    root = tmp_path / "project"
    root.mkdir()
    earlier = EarlierFiles(root)
    file = (root if inside else tmp_path) / "a.db"
    write(file)
    address = Address("sqlite", str(file))
    earlier.add(address, maker(file=str(root / by)))
    if is_written:
        os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    if is_named:
        assert earlier.openings[address].put_into(worker)
    assert not list(earlier.left())
