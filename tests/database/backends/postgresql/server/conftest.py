"""A cache of the suite's own, and a place where a server of another user can work."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hermetic.database import folders
from hermetic.database.backends.postgresql.server import installed, new_instance
from hermetic.database.backends.postgresql.server.embedded import ROOM, Embedded
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import Instance
from tests.caches import with_initdb
from tests.database.backends.postgresql.server.looking import databases

collect_ignore_glob = ["*"] if sys.platform != "linux" else []  # looks into /proc


@pytest.fixture(scope="session")
def suite_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What initdb makes is made once for the suite."""
    return with_initdb(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def cache(suite_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of the test and of the processes that it starts."""
    monkeypatch.setenv("HERMETIC_CACHE", str(suite_cache))
    return suite_cache


@pytest.fixture(scope="session")
def instance(suite_cache: Path) -> Iterator[Instance]:
    """A server for the tests of this folder; the databases of those of drivers and of restore are on another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERMETIC_CACHE", str(suite_cache))
        made = new_instance("embedded", project=Path("/nowhere"))
        made.start()
    yield made
    made.stop()


@pytest.fixture
def host(instance: Instance) -> Iterator[PostgresqlHost]:
    """The server's databases, of which those go that a test made."""
    made = PostgresqlHost(instance, project="/project")
    before = databases(made)
    yield made
    for name in databases(made) - before:
        made.drop(name)
    made.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short path that everybody can read; pytest's own are neither."""
    made = Path(tempfile.mkdtemp(prefix="pg-", dir=folders.default_parent(ROOM)))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


Make = Callable[..., Embedded]


@pytest.fixture
def make(place: Path) -> Iterator[Make]:
    """Makes instances, which are stopped when the test ends."""
    made: list[Embedded] = []

    def one(**options: Any) -> Embedded:
        given = {"binaries": installed.any_(), "project": place, "directory": place, **options}
        made.append(Embedded(given.pop("binaries"), **given))
        return made[-1]

    yield one
    for instance in made:
        instance.stop()
