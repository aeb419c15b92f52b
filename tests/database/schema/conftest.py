"""A worker database to build, and a package to build it from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.protocols import WorkerDatabase
from tests.importing import importable


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerDatabase]:
    """An empty worker database."""
    server = SqliteServer(tmp_path / "server")
    yield server.create("built")
    server.stop()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; what is imported from it is forgotten afterwards."""
    folder = tmp_path / "code"
    folder.mkdir()
    with importable(folder, monkeypatch):
        yield folder
