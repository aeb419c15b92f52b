"""What a server makes in one process, and what is made on it behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, text

from hermetic.database.backends.postgresql.restore.worker import PostgresqlDatabase
from hermetic.database.backends.postgresql.server import Instance, instance_from, new_instance
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer
from hermetic.database.engines import install


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Instance]:
    """The instance of another process of the run, by which the server goes on."""
    instance = new_instance("embedded", project=tmp_path)
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def server(controller: Instance) -> Iterator[PostgresqlServer]:
    """Where a worker process makes its databases."""
    host = PostgresqlHost(instance_from(controller.handover()))
    made = PostgresqlServer(host, worker="gw0", replace=lambda database, gone: None)
    yield made
    made.stop()


@pytest.fixture
def database(server: PostgresqlServer) -> PostgresqlDatabase:
    """A worker database."""
    return server.create("hermetic")


@pytest.fixture
def engine(database: PostgresqlDatabase) -> Iterator[Engine]:
    """The application's, which ends on it."""
    installation = install(lambda request: database)
    engine = create_engine("postgresql+psycopg2://db.example/postgres", isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
    installation.uninstall()


def test_what_nobody_drops_goes_with_the_process(
    controller: Instance, server: PostgresqlServer, engine: Engine
) -> None:
    """The worker's database, and one that the application made under a name of its own."""
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE own"))
    assert set(server.named) == {"own"}
    server.stop()
    query = "SELECT datname FROM pg_database WHERE NOT datistemplate"
    with controller.connect() as administration:
        left = [name for (name,) in administration.execute(query)]
    assert left == ["postgres"]


def test_who_altered_a_role(server: PostgresqlServer, database: PostgresqlDatabase, engine: Engine) -> None:
    """The process whose session did; of several, no other undoes it."""
    with engine.connect() as connection:
        connection.execute(text("ALTER ROLE CURRENT_USER SET work_mem = '1MB'"))
    assert server.host.undoes(database.owner)
    assert not server.host.undoes("postgres")
    database.restore()
    engine.dispose()  # the session that knew of it was ended
    with engine.connect() as connection:
        assert connection.execute(text("SHOW work_mem")).scalar() == "4MB"
    assert not server.host.undoes(database.owner)


def test_what_was_undone_is_not_looked_at_again(
    server: PostgresqlServer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody connects to a database that the application made before a test, where nothing was written since."""
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE own"))
    own = server.adopt("own")
    url = own.url.render_as_string(hide_password=False)
    own.ensure()
    with psycopg.connect(url) as writer:
        writer.execute("CREATE TABLE items (id integer)")
    assert own.restore()
    monkeypatch.delattr(PostgresqlHost, "connect")
    assert not own.restore()
    monkeypatch.undo()
