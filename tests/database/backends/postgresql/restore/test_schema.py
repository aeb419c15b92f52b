"""What a test does to the schema is undone: what it made is dropped, and for the rest the database is made anew."""

from __future__ import annotations

import pytest

from tests.database.backends.postgresql.restore.opened import WORLD, Opened, Place
from tests.database.backends.postgresql.restore.operations import ADDED, ALTERED

SCHEMA = WORLD + "CREATE INDEX users_name_index ON users (name);"


@pytest.mark.parametrize("script", ADDED.values(), ids=ADDED.keys())
def test_what_was_added(superuser: Place, script: str) -> None:
    """It is dropped, in the same database, and rows written beside it go."""
    with superuser.used(SCHEMA) as (opened, before):
        oid = opened.rows("SELECT oid FROM pg_database WHERE datname = current_database()")
        opened.run(script, "DELETE FROM doubles")
        assert opened.database.restore()
        assert opened.rows("SELECT oid FROM pg_database WHERE datname = current_database()") == oid
        assert opened.dump() == before
        assert not opened.database.restore()


def test_tables_without_rows(place: Place) -> None:
    """No table is not enough, and Alembic's version counts for nothing."""
    opened = place.database("CREATE VIEW one AS SELECT 1 AS x")
    found = [opened.database.is_schema_alone]
    for script in (
        "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('a1')",
        'CREATE SCHEMA "a ""b"; CREATE TABLE "a ""b".t (x serial) PARTITION BY LIST (x)',
        'CREATE TABLE "a ""b".heir PARTITION OF "a ""b".t DEFAULT; INSERT INTO "a ""b".t DEFAULT VALUES',
        'TRUNCATE "a ""b".t',
    ):
        opened.run(script)
        found.append(opened.database.is_schema_alone)
    assert found == [False, True, True, False, True]
    connection = opened.connect()  # of nobody whose pool would open another one
    assert not opened.database.is_schema_alone
    connection.close()
    opened.close()


NOTICED = ADDED.keys() - {"a table made and dropped"}
CHANGED = {f"added: {name}": ADDED[name] for name in sorted(NOTICED)} | ALTERED


@pytest.mark.parametrize("script", ALTERED.values(), ids=ALTERED.keys())
def test_what_was_altered(superuser: Place, script: str) -> None:
    """The database is made anew, and restored as before from then on."""
    with superuser.used(SCHEMA) as (opened, before):
        opened.run("DELETE FROM doubles", script)
        assert opened.dump() != before
        assert opened.database.dirty()
        assert opened.database.restore()
        assert opened.dump() == before
        opened.run("DELETE FROM users; DELETE FROM items WHERE id = 1")
        assert opened.database.restore()
        assert opened.dump() == before


@pytest.mark.parametrize("script", CHANGED.values(), ids=CHANGED.keys())
def test_without_a_superusers_rights(plain: Place, script: str) -> None:
    """Any change of the catalog is noticed."""
    with plain.used(SCHEMA) as (opened, before):
        opened.run("DELETE FROM doubles", script)
        changed = opened.dump() != before
        assert opened.database.restore()
        assert opened.dump() == before
        assert changed
        assert not opened.database.restore()


def test_temporary_tables_are_nobodys_business(superuser: Place) -> None:
    """A table that only its session sees changes nothing."""
    opened = superuser.database(WORLD)
    connection = opened.connect()
    connection.execute("CREATE TEMPORARY TABLE made (id serial PRIMARY KEY, x text UNIQUE)")
    connection.execute("CREATE INDEX ON made (x); INSERT INTO made (x) VALUES ('x'); DROP TABLE made")
    assert not opened.database.dirty()
    opened.close()


def test_reindexing_changes_nothing(superuser: Place) -> None:
    """Nor does what keeps tables in order."""
    opened = superuser.database(WORLD)
    opened.run("REINDEX TABLE users", "VACUUM FULL users", "ANALYZE users", "CLUSTER users USING users_pkey")
    assert not opened.database.dirty()
    opened.close()


def test_a_type_of_a_column_can_be_dropped(world: Opened) -> None:
    """What hermetic keeps does not hold on to the application's types."""
    world.run(
        "ALTER TABLE users DROP mood, DROP moods; ALTER TABLE items DROP mood;"
        "DROP TABLE items_by_mood; DROP TYPE mood"
    )
