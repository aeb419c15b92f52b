"""A worker database to build, and a package to build it from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.servers.sqlite import SqliteServer


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
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder):
            del sys.modules[name]
