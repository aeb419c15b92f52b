"""One run, driven as the plugin drives it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, create_engine, make_url, text

from hermetic.database.backends.sqlite.restore import worker
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
from hermetic.database.inventory import Servers
from hermetic.errors import ConfigurationError, RestoreError
from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner, owned_by
from hermetic.run import NEVER, Run
from hermetic.settings import Settings
from tests.importing import importable

TEST = Owner("a test", "test", "function")

APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; what is imported from it is forgotten afterwards."""
    with importable(tmp_path, monkeypatch):
        yield tmp_path


Start = Callable[[Settings], Run]


@pytest.fixture
def start(package: Path) -> Iterator[Start]:
    """Starts runs, which are stopped when the test ends."""
    started: list[Run] = []

    def one(settings: Settings) -> Run:
        started.append(Run(settings, root=package, temporary=()))
        started[-1].start()
        return started[-1]

    yield one
    for run in started:
        run.stop()


def end_test(run: Run) -> None:
    """End a test that other tests of its module follow."""
    run.end_test(restore=True, ending=frozenset({"function"}))


def test_overrides_of_an_application_that_was_imported_before_the_first_test(
    package: Path, start: Start
) -> None:
    """What was set by then is for all tests; what a test sets goes with it."""
    (package / "shop_m.py").write_text(APP)
    run = start(Settings(mode="on", app="shop_m:app"))
    app: FastAPI = run.provider.application()
    app.dependency_overrides[len] = min
    run.begin_test(NEVER, TEST)
    app.dependency_overrides[sum] = max
    end_test(run)
    assert app.dependency_overrides == {len: min}


def test_overrides_that_are_replaced(package: Path, start: Start) -> None:
    """Another dictionary in their place changes nothing: it is watched in its turn, and what it lacks comes back."""
    (package / "shop_o.py").write_text(APP)
    run = start(Settings(mode="on", app="shop_o:app"))
    app: FastAPI = run.provider.application()
    app.dependency_overrides[len] = min
    for _ in range(2):
        run.begin_test(NEVER, TEST)
        app.dependency_overrides = {}
        end_test(run)
        assert app.dependency_overrides == {len: min}
        run.begin_test(NEVER, TEST)
        app.dependency_overrides[sum] = max
        end_test(run)
        assert app.dependency_overrides == {len: min}


def test_a_schema_that_fails_for_an_application_with_a_driver_of_its_own(package: Path, start: Start) -> None:
    """Every test is told, not only the first: nothing of the driver's would say that there are no tables."""
    (package / "shop_n.py").write_text(APP)
    settings = Settings(mode="on", app="shop_n:app", schema=("nowhere.sql",), env=(("SHOP_URL", "{url}"),))
    run = start(settings)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"nowhere\.sql"):
            run.begin_test(NEVER, TEST)


class Down(Exception):
    """What an application's shutdown raises."""


class Failing:
    """Something that is open in an idle loop and does not close."""

    def __init__(self) -> None:
        self.started_loop: asyncio.AbstractEventLoop | None = asyncio.new_event_loop()

    async def aclose(self) -> None:
        """Fail."""
        self.started_loop = None
        raise Down


@pytest.fixture
def failing() -> Iterator[Failing]:
    """Something that does not close; its loop is closed in the end."""
    made = Failing()
    loop = made.started_loop
    yield made
    assert loop is not None
    loop.close()


def table(run: Run, root: Path, name: str) -> Engine:
    """Return an engine of the application's for a database with a row in it, which the tests find."""
    url = make_url(f"sqlite:///{root}/{name}.db")
    run.databases.declare(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
    return engine


def rows(engine: Engine) -> list[int]:
    """Return what the table holds."""
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT n FROM t ORDER BY n")))


def write(engine: Engine) -> None:
    """Commit a row."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (2)"))


def test_a_shutdown_that_fails_at_the_end_of_a_test(start: Start, package: Path, failing: Failing) -> None:
    """What the test left open is ended and what it changed is undone all the same, and then the error is raised."""
    run = start(Settings(mode="on"))
    engine = table(run, package, "a")
    run.begin_test(NEVER, TEST)
    owner = Owner("a test", "test", "function")
    with owned_by(owner):
        write(engine)
        connection = engine.connect()
        os.environ["LEFT_BY_A_TEST"] = "1"
        run.provider.empty_database()
    run.loop_resources.add(failing)
    found: list[Breach] = []
    with pytest.raises(Down):
        run.end_test(restore=True, ending=frozenset({"function"}), left=found.extend)
    assert "LEFT_BY_A_TEST" not in os.environ
    assert len(found) == 1
    assert not list(run.containment.installation.checked_out())
    connection.close()
    assert rows(engine) == [1]
    assert len(run.databases.inventory.all()) == 1


def test_one_of_two_databases_that_cannot_be_restored(
    start: Start, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is, whichever comes first; both errors are told where both fail."""
    monkeypatch.setattr(worker, "PATIENCE", 0.01)
    run = start(Settings(mode="on"))
    engines = [table(run, package, name) for name in "ab"]
    run.begin_test(NEVER, TEST)
    held = [engine.connect() for engine in engines]  # by who outlives the test
    for number, connection in enumerate(held):
        for engine in engines:
            write(engine)
        connection.execute(text("BEGIN IMMEDIATE"))
        with pytest.raises(RestoreError):
            run.restoring.restore()
        assert rows(engines[1 - number]) == [1]
        connection.rollback()
        run.restoring.restore()
    for engine, connection in zip(engines, held, strict=True):
        write(engine)
        connection.execute(text("BEGIN IMMEDIATE"))
    with pytest.raises(ExceptionGroup) as raised:
        run.restoring.restore()
    assert [type(error) for error in raised.value.exceptions] == [RestoreError, RestoreError]
    for connection in held:
        connection.close()


def test_a_server_that_does_not_stop() -> None:
    """The others are stopped, and it is not stopped twice."""
    stopped = []

    class Stopping(SqliteServer):
        def stop(self) -> None:
            stopped.append(self)
            if len(stopped) == 1:
                raise Down

    servers = Servers({"sqlite": Stopping, "postgresql": Stopping})
    both = [servers["sqlite"], servers["postgresql"]]
    with pytest.raises(Down):
        servers.stop()
    assert stopped == both
    servers.stop()
    assert stopped == both


def test_a_run_that_fails_to_stop(package: Path, failing: Failing) -> None:
    """Databases and environment go all the same."""
    run = Run(Settings(mode="on", env=(("SHOP_URL", "x"),)), root=package, temporary=())
    run.start()
    table(run, package, "a")
    file = Path(run.databases.inventory.all()[0].url.database or "")
    assert file.exists()
    run.loop_resources.add(failing)
    with pytest.raises(Down):
        run.stop()
    assert not file.exists()
    assert "SHOP_URL" not in os.environ
