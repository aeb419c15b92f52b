"""A backend from elsewhere, entered by ``register``, is routed, pooled, layered, restored, listed and named."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.dialects import registry

from hermetic.cli import main
from hermetic.database import backend
from hermetic.database.backend import find_backend, get_backend
from hermetic.database.backends import register
from hermetic.database.protocols import WorkerDatabase
from hermetic.errors import ContainmentError, LayerConflict
from hermetic.owners import Owner
from hermetic.report.shown import header_lines
from hermetic.run import NEVER, Run
from hermetic.settings import Settings
from tests.database.backends.toy.server import KEPT
from tests.database.backends.toy.toydb import SHELF
from tests.importing import importable

SHOP = """
from sqlalchemy import Column, MetaData, String, Table, create_engine

engine = create_engine("toy://shelf/production")
metadata = MetaData()
users = Table("users", metadata, Column("name", String, primary_key=True))
"""
INSERT = text("INSERT INTO users VALUES (:name)")


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SQLAlchemy knows the dialect; what a test leaves is gone after it, hermetic's own table as it was."""
    registry.register("toy", "tests.database.backends.toy.dialect", "ToyDialect")
    monkeypatch.setattr(backend, "_modules", dict(backend._modules))
    yield
    SHELF.clear()
    KEPT.clear()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run of a project whose engine is on a toy."""
    register("toy", "tests.database.backends.toy")
    (tmp_path / "shop_toy.py").write_text(SHOP)
    with importable(tmp_path, monkeypatch):
        started = Run(Settings(mode="on", schema=("shop_toy:metadata",)), root=tmp_path, temporary=())
        started.start()
        yield started
        started.stop()


@pytest.fixture
def engine(run: Run) -> Engine:
    """The project's engine."""
    import shop_toy  # type: ignore[import-not-found]

    return cast(Engine, shop_toy.engine)


@pytest.fixture
def database(run: Run, engine: Engine) -> WorkerDatabase:
    """The worker database that it goes to."""
    return run.containment.databases.primary()


def add(engine: Engine, name: str) -> None:
    """Commit a row."""
    with engine.begin() as connection:
        connection.execute(INSERT, {"name": name})


def names(engine: Engine) -> list[str]:
    """Return the rows."""
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM users ORDER BY name")))


def opened(connection: Connection) -> Any:
    """Return the DBAPI's connection."""
    return connection.connection.dbapi_connection


def test_one_that_is_not_registered_is_refused(tmp_path: Path) -> None:
    """As any other database that hermetic has no server for."""
    run = Run(Settings(mode="on"), root=tmp_path, temporary=())
    run.start()
    try:
        with pytest.raises(ContainmentError, match="hermetic has no toy server"):
            create_engine("toy://shelf/production").connect()
    finally:
        run.stop()


def test_it_is_routed(engine: Engine, database: WorkerDatabase) -> None:
    """What the application writes is in the worker database, with its schema, and production's was never made."""
    add(engine, "Ada")
    assert names(engine) == ["Ada"]
    assert list(SHELF) == [database.url.database]


def test_it_is_pooled(engine: Engine) -> None:
    """A connection that was given back is used again; two at once are two."""
    with engine.connect() as first, engine.connect() as second:
        both = {opened(first), opened(second)}
    with engine.connect() as third:
        assert opened(third) in both
    assert len(both) == 2


def test_it_is_restored(run: Run, engine: Engine, database: WorkerDatabase) -> None:
    """Connections of the pool see the baseline again."""
    run.begin_test(NEVER, Owner("test_a", "test", "function"))
    add(engine, "Ada")
    assert database.dirty()
    run.end_test(restore=True, ending=frozenset({"function"}))
    assert names(engine) == []


def test_it_is_layered(engine: Engine, database: WorkerDatabase) -> None:
    """What a fixture wrote is there until it ends."""
    start = database.begin_layer()
    assert database.end_layer(start, Owner("nothing", "fixture", "module")) is None
    start = database.begin_layer()
    add(engine, "Ada")
    outer = database.end_layer(start, Owner("users", "fixture", "module"))
    start = database.begin_layer()
    add(engine, "Eve")
    inner = database.end_layer(start, Owner("more", "fixture", "class"))
    assert outer is not None and inner is not None
    add(engine, "Mel")
    assert database.restore()
    assert names(engine) == ["Ada", "Eve"]
    with pytest.raises(LayerConflict, match="users and more wrote the same data: an image"):
        database.remove_layer(outer)
    database.remove_layer(inner)
    assert names(engine) == []


def test_db_lists_what_is_kept(
    database: WorkerDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside what other backends keep."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    kept = database.keep("test_a.py::test_one", tmp_path / ".hermetic" / "kept")
    assert main(["db", "list", str(tmp_path)]) == 0
    assert f"kept      {kept.name}  0.0 MB" in capsys.readouterr().out


def test_the_header_names_it(run: Run, database: WorkerDatabase, tmp_path: Path) -> None:
    """Where a setting says that the database is one; at the end it says what there was."""
    settings = Settings(mode="on", database=cast(Any, "toy"))
    assert header_lines(settings, tmp_path)[1:] == ["hermetic: toy: a shelf of this process"]
    made = run.containment.servers.made()
    assert [get_backend(name).facts(each, settings, tmp_path) for name, each in made] == [
        ["toy: 1 on the shelf"]
    ]


def test_it_is_imported_late() -> None:
    """A module that is registered is loaded when something asks for it."""
    register("toy", "tests.database.backends.nowhere", also=["toybase"])
    assert "tests.database.backends.nowhere" not in sys.modules
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        find_backend("toybase")
