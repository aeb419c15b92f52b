"""Real engines on a real worker database, and proof that each test leaves nothing of either behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.engines import Installation, install
from hermetic.database.lazy import LazyDatabase


@pytest.fixture(autouse=True)
def nothing_left(collects_quickly: None) -> Iterator[None]:
    """Fail a test that leaves a thread, or an object that warns when it is collected (warnings are errors)."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(60)  # a driver's thread ends a moment after its last answer
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def server(tmp_path: Path, nothing_left: None) -> Iterator[SqliteServer]:
    """A server of worker databases."""
    server = SqliteServer(tmp_path / "server")
    yield server
    server.stop()


@pytest.fixture
def database(server: SqliteServer) -> LazyDatabase:
    """An empty worker database that engines can be sent to."""
    return LazyDatabase("worker", server, None, lambda made: None)


@pytest.fixture
def installation(database: LazyDatabase) -> Iterator[Installation]:
    """Every engine goes to ``database``."""
    installed = install(lambda request: database)
    yield installed
    installed.uninstall()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A database file that no redirected engine may make."""
    return tmp_path / "elsewhere.db"
