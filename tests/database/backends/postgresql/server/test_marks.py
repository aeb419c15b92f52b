"""The mark that says that a database is hermetic's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic.database.backends.postgresql.server import marks
from hermetic.database.backends.postgresql.server.external import External
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.backends.postgresql.server.quoting import listed, quoted

NOTE = {"project": '/somebody\'s "own" \\ project, one', "name": "Zoë"}


@pytest.fixture
def host(instance: Instance) -> Iterator[PostgresqlHost]:
    """The server's databases, of which one is the test's."""
    made = PostgresqlHost(instance, project="/project")
    yield made
    for name in ("one", "two"):
        made.drop(name)
    made.close()


def run(host: PostgresqlHost, statement: str, database: str = "postgres") -> list[Any]:
    """Run a statement as administrator."""
    with host.connect(database) as connection:
        return marks.through(connection)(statement, None)


def mark_of(host: PostgresqlHost, database: str) -> dict[str, Any]:
    """Return what is noted of a database."""
    with host.connect("postgres") as connection:
        return marks.read(marks.through(connection), database)


def test_every_database_of_ours_says_so(host: PostgresqlHost) -> None:
    """Whose it is, and of which run; one that is somebody's, or is not there, says nothing."""
    host.create("one", "app")
    assert mark_of(host, "one") == {"project": "/project", "run": host.instance.run_id}
    assert mark_of(host, "postgres") == mark_of(host, "gone") == {}


def test_what_the_application_does_to_its_database(host: PostgresqlHost) -> None:
    """Its comment is its own, and its tablespaces come before the mark."""
    host.create("one", "app")
    with host.connect("postgres") as connection:
        run(host, "COMMENT ON DATABASE one IS 'the shop'")
        run(host, "ALTER DATABASE one SET temp_tablespaces TO fast, 'Very fast'")
        assert mark_of(host, "one") == {}
        marks.write(marks.through(connection), "one", NOTE)
        marks.write(marks.through(connection), "one", NOTE)
    assert mark_of(host, "one") == NOTE
    assert run(host, "SHOW temp_tablespaces", "one")[0][0].startswith('fast, "Very fast", "hermetic ')
    run(host, "CREATE TEMPORARY TABLE anything ()", "one")


def test_a_copy_is_not_ours(host: PostgresqlHost) -> None:
    """Whoever copies a database of ours has one of their own; a copy that we make is marked as what it is."""
    host.create("one", "app")
    run(host, "ALTER DATABASE one SET temp_tablespaces TO fast")
    run(host, "CREATE DATABASE two TEMPLATE one")
    assert mark_of(host, "two") == {}
    host.drop("two")
    host.create("two", "app", "one")
    assert mark_of(host, "two") == {"project": "/project", "run": host.instance.run_id}
    assert run(host, "SHOW temp_tablespaces", "two")[0][0].startswith("fast, ")


def test_a_mark_of_an_earlier_version(host: PostgresqlHost) -> None:
    """It is the comment; a comment that is none says nothing."""
    run(host, "CREATE DATABASE one")
    run(host, f"COMMENT ON DATABASE one IS $${json.dumps(NOTE)}$$")
    assert mark_of(host, "one") == NOTE
    for words in ("the shop", "[1]"):
        run(host, f"COMMENT ON DATABASE one IS $${words}$$")
        assert mark_of(host, "one") == {}


def test_a_role_that_is_no_superuser(host: PostgresqlHost) -> None:
    """CREATEDB is all that it takes to mark a database, and nothing to read a mark."""
    run(host, "CREATE ROLE marking LOGIN CREATEDB")
    instance = External(host.instance.url("postgres", "marking"))
    plain = PostgresqlHost(instance, project="/plain")
    plain.create("one", plain.owner_for(None))
    plain.close()
    instance.stop()
    assert mark_of(host, "one")["project"] == "/plain"
    host.drop("one")
    run(host, "DROP ROLE marking")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)))
def test_a_list_of_names_is_read_as_it_was_written(names: list[str]) -> None:
    """Whatever the names."""
    assert listed(", ".join(map(quoted, names))) == names
