"""What a server makes in one process, and what is made on it behind its back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from hermetic.database.backends.postgresql.server import instance_from
from hermetic.database.backends.postgresql.server.embedded import Embedded
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.server import PostgresqlServer
from hermetic.database.engines import install
from tests.database.backends.postgresql.server.conftest import Make


@pytest.fixture
def controller(make: Make) -> Embedded:
    """The instance of another process of the run, by which the server goes on."""
    instance = make()
    instance.start()
    return instance


@pytest.fixture
def server(controller: Embedded) -> Iterator[PostgresqlServer]:
    """Where a worker process makes its databases."""
    host = PostgresqlHost(instance_from(controller.handover()))
    made = PostgresqlServer(host, worker="gw0", replace=lambda database, gone: None)
    yield made
    made.stop()


@pytest.fixture
def engine(server: PostgresqlServer) -> Iterator[Engine]:
    """The application's, which ends on a worker database."""
    database = server.create("hermetic")
    installation = install(lambda request: database)
    engine = create_engine("postgresql+psycopg2://db.example/postgres", isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
    installation.uninstall()


def test_what_nobody_drops_goes_with_the_process(
    controller: Embedded, server: PostgresqlServer, engine: Engine
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


def test_who_altered_a_role(server: PostgresqlServer, engine: Engine) -> None:
    """The process whose session did; of several, no other undoes it."""
    (database,) = server.databases
    with engine.connect() as connection:
        connection.execute(text("ALTER ROLE CURRENT_USER SET work_mem = '1MB'"))
    assert server.host.undoes(database.owner)
    assert not server.host.undoes("postgres")
    database.restore()
    engine.dispose()  # the session that knew of it was ended
    with engine.connect() as connection:
        assert connection.execute(text("SHOW work_mem")).scalar() == "4MB"
    assert not server.host.undoes(database.owner)
