"""What a run tells of its tests, its fixtures' layers, its application and its restores."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, Table, create_engine, make_url, text

from hermetic.events import lifecycle
from hermetic.events.database import DatabaseUsed, EngineResolved, Restored
from hermetic.events.lifecycle import (
    ApplicationImported,
    Breach,
    ContentsFound,
    DatabaseKept,
    DatabaseNamed,
    LayerBegan,
    LayerEnded,
    Noted,
    OverrideLeft,
    ServerUsed,
    TaskLeft,
)
from hermetic.owners import Owner, owned_by
from hermetic.run import NEVER, Run
from hermetic.settings import Settings
from tests.hearing import hearing
from tests.importing import importable

TEST = Owner("test_a.py::test_it", "test", "function")
FIXTURE = Owner("fixture 'rows' (module scope)", "fixture", "module")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run with an application."""
    with importable(tmp_path, monkeypatch):
        (tmp_path / "shop_e.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
        started = Run(Settings(mode="on", app="shop_e:app"), root=tmp_path, temporary=())
        started.start()
        yield started
        started.stop()


@pytest.fixture
def engine(run: Run, tmp_path: Path) -> Engine:
    """An engine of the application's, with a table in the baseline."""
    url = make_url(f"sqlite:///{tmp_path}/a.db")
    run.databases.declare(url)
    run.filling.build = lambda database: None  # type: ignore[method-assign]
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    run.databases.inventory.mark_baselines()
    return made


def write(engine: Engine) -> None:
    """Commit a row."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))


def run_test(run: Run, engine: Engine | None = None) -> None:
    """Run a test, which writes a row."""
    run.begin_test(NEVER, TEST)
    with owned_by(TEST):
        if engine is not None:
            write(engine)
        run.end_test(restore=True, ending=frozenset({"function"}))


def test_a_test(run: Run) -> None:
    """It begins and ends, by its owner."""
    with hearing(lifecycle.TestBegan, lifecycle.TestEnded) as told:
        run_test(run)
    assert told == [lifecycle.TestBegan(TEST), lifecycle.TestEnded(TEST)]


def test_a_restore(run: Run, engine: Engine) -> None:
    """It says which database, whether anything was put back, and what that took."""
    run_test(run)
    with hearing(Restored) as told:
        run_test(run, engine)
    (database,) = run.databases.inventory.all()
    before, after = told.of(Restored)
    assert (before.database, before.is_changed) == (database.name, False)
    assert (after.database, after.is_changed) == (database.name, True)
    assert 0 < after.seconds < 60


def test_a_fixture_s_layer(run: Run, engine: Engine) -> None:
    """It begins when the fixture's set-up is over, with the databases it wrote to, and ends with it."""
    run_test(run)
    (database,) = run.databases.inventory.all()
    with hearing(LayerBegan, LayerEnded) as told:
        frame = run.checkpoints.begin(FIXTURE)
        with owned_by(FIXTURE):
            write(engine)
        assert told == []
        run.checkpoints.end(frame)
        run.checkpoints.finish(FIXTURE)
    assert told == [LayerBegan(FIXTURE, (database.name,)), LayerEnded(FIXTURE)]


def test_an_application(run: Run) -> None:
    """Its import is told once, with what it took."""
    with hearing(ApplicationImported) as told:
        run.provider.application()
        run.provider.application()
    (imported,) = told.of(ApplicationImported)
    assert imported.path == "shop_e:app"
    assert 0 < imported.seconds < 60


def test_an_engine(run: Run, engine: Engine, tmp_path: Path) -> None:
    """It is told at its first use who made it and where, and where it goes."""
    with hearing(EngineResolved) as told, owned_by(TEST):
        fresh = create_engine(f"sqlite:///{tmp_path}/a.db")
        assert told == []
        write(fresh)
        write(fresh)
        write(create_engine(f"sqlite:///{tmp_path}/a.db", poolclass=NullPool))
    first, _ = told.of(EngineResolved)
    assert first.owner is TEST
    assert first.location is not None
    assert (first.location.file, first.location.function) == (__file__, "test_an_engine")
    assert first.url == f"sqlite:///{tmp_path}/a.db"
    assert (first.outcome, first.why, first.is_in_memory, first.given) == ("contained", "", False, "")


def test_a_leak(run: Run, engine: Engine) -> None:
    """It is told with whose it is, and the line that checked it out."""
    with hearing(Breach) as told:
        run.begin_test(NEVER, TEST)
        with owned_by(TEST):
            connection = engine.connect()
            run.end_test(restore=True, ending=frozenset({"function"}))
        connection.close()
    (leak,) = told.of(Breach)
    assert (leak.owner, leak.location.file, leak.location.function) == (TEST, __file__, "test_a_leak")
    assert leak.message.startswith("test_a.py::test_it left a connection checked out. [HM400]")


def test_an_override(run: Run) -> None:
    """It is told by the name of what is overridden, and nothing is of one that went by itself."""
    app = run.provider.application()
    with hearing(OverrideLeft) as told:
        run.begin_test(NEVER, TEST)
        app.dependency_overrides[write] = len
        app.dependency_overrides[partial(len)] = len
        with owned_by(TEST):
            run.end_test(restore=True, ending=frozenset({"function"}))
        run_test(run)
    assert {(each.owner, each.dependency.partition("(")[0]) for each in told.of(OverrideLeft)} == {
        (TEST, "write"),
        (TEST, "functools.partial"),
    }


def test_a_task(run: Run) -> None:
    """It is told with who started it, and where it waits."""

    async def sleeps() -> None:
        await asyncio.sleep(3600)

    loop = asyncio.new_event_loop()
    run.background.note_loop(loop)
    with hearing(TaskLeft) as told:
        run.begin_test(NEVER, TEST)
        with owned_by(TEST):
            task = loop.create_task(sleeps())
            loop.run_until_complete(asyncio.sleep(0))
            run.end_test(restore=True, ending=frozenset({"function"}), background="cancel")
    loop.close()
    assert task.cancelled()
    (left,) = told.of(TaskLeft)
    assert (left.owner, left.name, left.place.rpartition(":")[0]) == (TEST, "sleeps", __file__)


def test_the_application_s_databases(run: Run, engine: Engine, tmp_path: Path) -> None:
    """They are told when they were written to, and all that were used at the end."""
    address = f"sqlite:///{tmp_path}/a.db"
    with hearing(DatabaseUsed, DatabaseNamed) as told:
        run_test(run)
        assert told == []
        run_test(run, engine)
        run.conclude()
    assert told == [
        DatabaseUsed(address, True),
        DatabaseUsed(address, False),
        DatabaseNamed("sqlite", f"{tmp_path}/a.db"),
    ]


def test_databases_that_are_kept(run: Run, engine: Engine) -> None:
    """That is told with the test's name."""
    with hearing(DatabaseKept) as told:
        run.begin_test(NEVER, TEST)
        with owned_by(TEST):
            write(engine)
            run.keep()
            run.end_test(restore=True, ending=frozenset({"function"}))
    (kept,) = told.of(DatabaseKept)
    assert kept.owner is TEST
    assert kept.message.startswith("kept as ")


def test_what_fills_the_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with where it was found, and by a note what became of templates and of tables that came late."""
    with importable(tmp_path, monkeypatch):
        (tmp_path / "models_e.py").write_text(
            "from sqlalchemy import Column, Integer, MetaData, Table\n\nmetadata = MetaData()\n"
            'Table("t", metadata, Column("n", Integer))\n'
        )
        run = Run(Settings(mode="on", schema=("models_e:metadata",)), root=tmp_path, temporary=())
        run.start()
        with hearing(ContentsFound, Noted) as told:
            run.provider.primary()
            module = importlib.import_module("models_e")
            Table("late", module.metadata)
            run.conclude()
        run.stop()
    (found,) = told.of(ContentsFound)
    assert found.descriptions == ("models_e:metadata",)
    assert any("models_e:metadata got late when" in note.line for note in told.of(Noted))


def test_a_server(tmp_path: Path) -> None:
    """What there is to say of it is told at the end, if it was used."""
    run = Run(Settings(mode="on", database="postgresql"), root=tmp_path, temporary=())
    run.start()
    with hearing(ServerUsed) as told:
        run.conclude()
        assert [line for each in told.of(ServerUsed) for line in each.lines] == []
        with create_engine(run.databases.primary_url).connect():
            run.conclude()
    run.stop()
    assert any(line.startswith("postgresql: ") for each in told.of(ServerUsed) for line in each.lines)


def test_nobody_listens(run: Run, engine: Engine) -> None:
    """Nothing is told."""
    with hearing() as told:
        run.provider.application()
        run_test(run, engine)
    assert told == []
