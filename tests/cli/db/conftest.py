"""A project whose runs have left something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import new_instance
from tests.caches import with_initdb
from tests.cli.db.projects import Project


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all these tests: what initdb makes is made once."""
    return with_initdb(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def project(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that says nothing of its database."""
    monkeypatch.setenv("HERMETIC_CACHE", str(cache))
    monkeypatch.delenv("HERMETIC", raising=False)
    root = tmp_path / "a project"
    root.mkdir()
    return Project(root).write("")


@pytest.fixture
def server(project: Project, tmp_path: Path) -> Iterator[str]:
    """The URL of a server that is somebody else's."""
    instance = new_instance("embedded", project=tmp_path / "somebody else")
    instance.start()
    yield instance.url("postgres", instance.administrator).render_as_string(hide_password=False)
    instance.stop()
