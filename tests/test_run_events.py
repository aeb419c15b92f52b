"""What a run tells of its tests, its fixtures' layers, its application and its restores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from hermetic import events
from hermetic.events import (
    ApplicationImported,
    LayerBegan,
    LayerEnded,
    Restored,
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
    run.filling.build = lambda database: True  # type: ignore[method-assign]
    made = create_engine(url)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    run.databases.mark_baselines()
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
    with hearing(events.TestBegan, events.TestEnded) as told:
        run_test(run)
    assert told == [events.TestBegan(TEST), events.TestEnded(TEST)]


def test_a_restore(run: Run, engine: Engine) -> None:
    """It says which database, whether anything was put back, and what that took."""
    run_test(run)
    with hearing(Restored) as told:
        run_test(run, engine)
    (database,) = run.databases.all()
    before, after = told.of(Restored)
    assert (before.database, before.is_changed) == (database.name, False)
    assert (after.database, after.is_changed) == (database.name, True)
    assert 0 < after.seconds < 60


def test_a_fixture_s_layer(run: Run, engine: Engine) -> None:
    """It begins when the fixture's set-up is over, with the databases it wrote to, and ends with it."""
    run_test(run)
    (database,) = run.databases.all()
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


def test_nobody_listens(run: Run, engine: Engine) -> None:
    """Nothing is told."""
    with hearing() as told:
        run.provider.application()
        run_test(run, engine)
    assert told == []
