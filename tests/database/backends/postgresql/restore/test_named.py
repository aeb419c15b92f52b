"""Databases that code under test makes and drops itself, by CREATE DATABASE, on the server that hermetic runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer
from hermetic.database.engines import install
from hermetic.database.inventory import Servers
from hermetic.database.redirect import Redirect
from hermetic.database.registry import Databases
from hermetic.owners import Owner, owned_by
from tests.database.backends.postgresql.restore.opened import fixture

ELSEWHERE = make_url("postgresql+psycopg://somebody@elsewhere.example/production")
ROWS = "SELECT count(*) FROM t"
NAMES = "SELECT datname FROM pg_database WHERE datname LIKE 'Made %'"


@pytest.fixture
def databases(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Databases]:
    """The databases of a project, on which every engine of the process ends."""
    monkeypatch.setattr(instance, "stop", lambda: None)  # it is the whole suite's
    made = Databases(
        Servers(
            {
                "postgresql": lambda: PostgresqlServer(
                    PostgresqlHost(instance), worker="named", replace=installation.invalidate
                )
            }
        ),
        Redirect.parse(root=Path(__file__).parent),
        build=lambda worker: None,
        backend="postgresql",
    )
    made.declare(ELSEWHERE)
    installation = install(made.resolve)
    yield made
    installation.uninstall()
    made.inventory.stop()


def run(url: URL, *statements: str) -> Any:
    """Run statements as an application does that is not in a transaction; return the last one's first value."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def begin_next_test(databases: Databases) -> None:
    """Do what stands between two tests."""
    for each in databases.inventory.all():
        each.restore()
    databases.inventory.undo()


def test_one_of_a_test_s_own(databases: Databases) -> None:
    """Is there for every engine onto it while the test lasts, and gone in the next one, which may make it again."""
    made = ELSEWHERE.set(database="Made by a test")
    for _ in range(2):
        assert run(ELSEWHERE, NAMES) is None
        with owned_by(Owner("test_it", "test", "function")):
            run(ELSEWHERE, 'CREATE DATABASE "Made by a test"')
            run(made, "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
            assert run(made, ROWS) == 1
            assert run(made, "SELECT current_database()") == "Made by a test"
        begin_next_test(databases)


@pytest.mark.parametrize("own", [False, True], ids=["the application's server", "hermetic's own URL"])
def test_one_of_a_wider_fixture_s(databases: Databases, own: bool) -> None:
    """Stays for its tests, each of which finds the rows that the fixture wrote; so does the next one of that name."""
    server = databases.primary().url.set(drivername="postgresql+psycopg") if own else ELSEWHERE
    made = server.set(database="Made by a fixture")
    for _ in range(2):
        with owned_by(fixture("made", "module")):
            run(server, 'CREATE DATABASE "Made by a fixture"')
            run(made, "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
        databases.inventory.mark_baselines()
        for _ in range(2):
            begin_next_test(databases)
            assert run(made, ROWS) == 1
            run(made, "INSERT INTO t VALUES (2)")
        run(server, 'DROP DATABASE "Made by a fixture"')
        assert run(server, NAMES) is None


def test_statements_that_fail(databases: Databases) -> None:
    """What is made twice, or cannot be dropped, stays its fixture's, and is restored."""
    made = ELSEWHERE.set(database="Made once")
    with owned_by(fixture("made", "session")):
        run(ELSEWHERE, 'CREATE DATABASE "Made once"')
        run(made, "CREATE TABLE t (n integer)")
    databases.inventory.mark_baselines()
    with owned_by(Owner("test_it", "test", "function")):
        with pytest.raises(ProgrammingError, match="already exists"):
            run(ELSEWHERE, 'CREATE DATABASE "Made once"')
        with pytest.raises(OperationalError, match="cannot drop the currently open database"):
            run(made, "INSERT INTO t VALUES (1)", 'DROP DATABASE "Made once"')
    begin_next_test(databases)
    assert run(made, ROWS) == 0


IN_IT = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'Made by a fixture'"


def test_nobody_of_ours_stays_in_it(databases: Databases) -> None:
    """After everything that is done in it, the server lists no session of ours there."""
    made = ELSEWHERE.set(database="Made by a fixture")
    with owned_by(fixture("made", "session")):
        run(ELSEWHERE, 'CREATE DATABASE "Made by a fixture"')
        run(made, "CREATE TABLE t (n integer)")
    databases.inventory.mark_baselines()
    assert run(ELSEWHERE, IN_IT) == 0
    database = databases.inventory.all()[-1]
    start = database.begin_layer()
    run(made, "INSERT INTO t VALUES (1)")
    layer = database.end_layer(start, fixture("more", "module"))
    assert layer is not None
    assert run(ELSEWHERE, IN_IT) == 0
    run(made, "INSERT INTO t VALUES (2)")
    begin_next_test(databases)
    assert run(ELSEWHERE, IN_IT) == 0
    assert run(made, ROWS) == 1
    database.remove_layer(layer)
    assert database.dirty()
    assert database.restore()
    assert not database.restore()
    assert not database.restore()
    assert run(made, ROWS) == 0
    assert run(ELSEWHERE, IN_IT) == 0


def test_one_that_a_program_drops(databases: Databases) -> None:
    """What drops it unseen, by a driver or ``dropdb``, is no error at the next restore; and it may be made again."""
    made = ELSEWHERE.set(database="Made by a fixture")
    url = databases.primary().url.render_as_string(hide_password=False)
    with owned_by(fixture("made", "session")):
        run(ELSEWHERE, 'CREATE DATABASE "Made by a fixture"')
        run(made, "CREATE TABLE t (n integer)")
    databases.inventory.mark_baselines()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('DROP DATABASE "Made by a fixture"')
        begin_next_test(databases)
        for _ in range(2):
            with pytest.raises(OperationalError, match="does not exist"):
                run(made, ROWS)
        connection.execute('CREATE DATABASE "Made by a fixture"')
    run(made, "CREATE TABLE t (n integer)")
    databases.inventory.mark_baselines()
    run(made, "INSERT INTO t VALUES (1)")
    begin_next_test(databases)
    assert run(made, ROWS) == 0
