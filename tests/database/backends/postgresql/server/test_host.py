"""Databases on a server: what a copy takes along, and what is in the way of making one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from hermetic.database.backends.postgresql.server.external import External
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.errors import ConfigurationError
from tests.database.backends.postgresql.server.looking import execute, values

LIMIT = (17 << 20) + 1
"""Bytes; no segment of the write-ahead log is as large, so that only what is copied meets a limit of that size."""

OURS = "application_name = 'hermetic administration' AND pid <> pg_backend_pid()"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("search_path", "tenant, public", "tenant, public"),
        ("search_path", '\'a "b", c\', "$user"', '"a ""b"", c", "$user"'),
        ("search_path", "''", '""'),
        ("DateStyle", "'German, DMY'", "German, DMY"),
        ("app.tenant", "'it''s, mine'", "it's, mine"),
    ],
)
def test_a_copy_has_the_settings_of_the_database(
    host: PostgresqlHost, name: str, value: str, shown: str
) -> None:
    """What a migration sets by ALTER DATABASE is in force in each copy, lists of names included."""
    host.create("one", "app")
    execute(host, "postgres", f"ALTER DATABASE one SET {name} TO {value}")
    host.create("two", "app", "one")
    for database in ("one", "two"):
        assert values(host, database, f"SELECT current_setting('{name}')") == [shown]


def test_a_superusers_setting(host: PostgresqlHost) -> None:
    """A role that may make databases and no more makes one without it; what it may set is there."""
    execute(
        host,
        "postgres",
        "CREATE ROLE plain LOGIN CREATEDB",
        "CREATE DATABASE start IS_TEMPLATE true",
        "ALTER DATABASE start SET log_min_duration_statement = '1h'",
        "ALTER DATABASE start SET search_path = atlas, public",
    )
    instance = External(host.instance.url("postgres", "plain"))
    plain = PostgresqlHost(instance, template_database="start")
    plain.create("one", plain.owner_for(None))
    plain.close()
    instance.stop()
    execute(host, "postgres", "ALTER DATABASE start IS_TEMPLATE false")
    query = "SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase"
    own, mark = values(host, "postgres", f"{query} WHERE datname = 'one'")
    assert own == "search_path=atlas, public"
    assert mark.startswith("temp_tablespaces=")


@pytest.mark.parametrize("user", ['e" LOGIN; ALTER ROLE app SUPERUSER; --', "a'b", "100%", "select", "Ä B"])
def test_a_role_of_any_name(host: PostgresqlHost, user: str) -> None:
    """It is a name, whatever SQL there is in it, and gets no more rights than another."""
    host.create("one", "app")
    host.create("two", user)
    assert host.owner_of("two") == user
    declared = PostgresqlHost(host.instance, roles=[user])
    declared.create("three", "app")
    declared.close()
    rights = "SELECT rolsuper FROM pg_roles WHERE rolname IN ('app', %s)"
    with host.instance.connect() as connection:
        assert connection.execute(rights, [user]).fetchall() == [(False,), (False,)]


def test_a_reserved_name_for_a_role(host: PostgresqlHost) -> None:
    """The error names it, and where it comes from."""
    with pytest.raises(ConfigurationError, match="URL logs in as 'pg_app', which no role of") as caught:
        host.create("one", "pg_app")
    assert 'role name "pg_app" is reserved' in str(caught.value)
    declared = PostgresqlHost(host.instance, roles=["public"])
    with pytest.raises(ConfigurationError, match="hermetic_roles names 'public'"):
        declared.create("one", "app")
    declared.close()


def test_a_new_database_is_copied_by_the_file(host: PostgresqlHost) -> None:
    """Written to the write-ahead log page by page, its 7 MB take three times as long."""
    place = "SELECT pg_current_wal_insert_lsn()"
    (before,) = host.run(place)[0]
    host.create("one", "app")
    ((written,),) = host.run("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", [before])
    assert written < 1 << 20


@pytest.mark.parametrize("fsync", ["on", "off"])
def test_a_new_database_on_somebodys_server(
    host: PostgresqlHost, monkeypatch: pytest.MonkeyPatch, fsync: str
) -> None:
    """Its files are copied where that waits for no disk: a checkpoint comes before and after it."""
    instance = External(host.instance.url("postgres", host.instance.administrator))
    theirs = PostgresqlHost(instance)
    run = theirs.run
    asked: list[str] = []

    def said(query: str, parameters: Any = None) -> list[Any]:
        asked.append(query)
        return [(fsync,)] if query == "SHOW fsync" else run(query, parameters)

    monkeypatch.setattr(theirs, "run", said)
    for name in ("one", "two"):
        theirs.create(name, theirs.owner_for(None))
    assert asked.count("SHOW fsync") == 1
    created = [query for query in asked if query.startswith("CREATE DATABASE")]
    assert [query.endswith(" STRATEGY FILE_COPY") for query in created] == [fsync == "off"] * 2
    theirs.close()
    instance.stop()


def test_our_session_was_ended(host: PostgresqlHost) -> None:
    """By a limit of the server's, say: whoever needs it next is told so, and then there is another one."""
    host.create("one", "app")
    execute(host, "postgres", f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {OURS}")
    with pytest.raises(psycopg.OperationalError):
        host.exists("one")
    assert host.exists("one")


def limit_files(host: PostgresqlHost, size: str) -> None:
    """Let the host's session write no file that is larger, as the server's own user may say."""
    (pid,) = values(host, "postgres", f"SELECT pid FROM pg_stat_activity WHERE {OURS}")
    execute(
        host, "postgres", f"COPY (SELECT) TO PROGRAM 'cat >/dev/null; prlimit --pid {pid} --fsize={size}:'"
    )


def test_a_disk_that_is_full(host: PostgresqlHost) -> None:
    """The error names the database and what to do, and with room again the session goes on."""
    host.create("one", "app")
    execute(host, "one", "CREATE TABLE big AS SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n")
    limit_files(host, str(LIMIT))  # a file that meets it is a write that ends early, like one to a full disk
    with pytest.raises(
        ConfigurationError, match=r"no test database 'two' can be made: .* No space left"
    ) as caught:
        host.create("two", "app", "one")
    assert "file system of the PostgreSQL server is full" in str(caught.value)
    assert "hint: set hermetic_directory to a directory that has room" in str(caught.value)
    limit_files(host, "unlimited")
    host.create("two", "app", "one")
    assert values(host, "two", "SELECT count(*) FROM big") == [20000]
