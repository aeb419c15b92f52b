"""A worker database for each test, whose file is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.sqlite.restore import SqliteDatabase
from tests.database.backends.sqlite.restore.opened import connect


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A worker database with two tables, ``users`` and ``tasks``, and one user."""
    made = SqliteDatabase("app", tmp_path / "app.db")
    connection = connect(made)
    connection.executescript(
        """
        CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
        CREATE TABLE tasks (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), title TEXT);
        INSERT INTO users (name) VALUES ('ada');
        """
    )
    connection.close()
    made.mark_baseline()
    yield made
    made.close()
