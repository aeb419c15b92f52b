"""Copies of failed tests' databases on a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import kept_databases, new_instance
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.kept_databases import found
from hermetic.database.stored import PREFIX, NotKept
from tests.caches import with_initdb

DATABASE = "hermetic_w_0a0a0a0a_main"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresqlHost]:
    """A server with a worker's database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERMETIC_CACHE", str(with_initdb(tmp_path_factory.mktemp("cache"))))
        instance = new_instance("embedded", project=Path("/nowhere"))
        host = PostgresqlHost(instance, project="/project")
        host.create(DATABASE, "app")
        yield host
        host.close()
        instance.stop()


def names(host: PostgresqlHost, project: str | None = None) -> list[str]:
    """Return the names of what is kept."""
    with host.instance.connect() as connection:
        return [entry.name for entry in found(connection, PREFIX, project)]


def test_a_test_has_one_copy(host: PostgresqlHost) -> None:
    """The one of its last failure; another test's stays."""
    kept_databases.keep(host, DATABASE, "app", "test_a.py::test_one")
    other = kept_databases.keep(host, DATABASE, "app", "test_a.py::test_two")
    kept = kept_databases.keep(host, DATABASE, "app", "test_a.py::test_one")
    assert sorted(names(host, "/project")) == sorted([kept.name, other.name])
    assert kept.url.username == "app"


def test_who_uses_the_database_is_named(host: PostgresqlHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is not hermetic's to end, waited for a moment only."""
    monkeypatch.setattr(kept_databases, "STEPS", 1)
    before = names(host)
    with (
        host.instance.connect(DATABASE, application_name="a poller"),
        pytest.raises(NotKept, match="outlives the test: a poller"),
    ):
        kept_databases.keep(host, DATABASE, "app", "test_a.py::test_three")
    assert names(host) == before


@pytest.mark.parametrize("comment", ["somebody's own words", "[1]"])
def test_a_comment_that_is_no_note(host: PostgresqlHost, comment: str) -> None:
    """It is nobody's, so that no project takes it for its own."""
    with host.instance.connect() as connection:
        connection.execute(f"CREATE DATABASE {PREFIX}odd")
        try:
            connection.execute(f"COMMENT ON DATABASE {PREFIX}odd IS $${comment}$$".encode())
            assert f"{PREFIX}odd" in names(host)
            assert f"{PREFIX}odd" not in names(host, "/project")
        finally:
            connection.execute(f"DROP DATABASE {PREFIX}odd".encode())
