"""Rows written in every way that SQL knows."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.backends.postgresql.restore.opened import WORLD, Opened, Place
from tests.database.backends.postgresql.restore.operations import WRITES


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES.keys())
def test_a_write_is_undone(place: Place, statement: str) -> None:
    """Whatever wrote them, rows and sequences are as they were."""
    with place.used(WORLD) as (world, before):
        world.run(statement)
        assert world.dump() != before or "DO NOTHING" in statement
        assert world.database.dirty()
        assert world.database.restore()
        assert world.dump() == before
        assert not world.database.dirty()
        assert not world.database.restore()


def test_copy(world: Opened) -> None:
    """Rows that came by COPY go."""
    before = world.dump()
    connection = world.connect()
    with connection.cursor() as cursor, cursor.copy("COPY doubles FROM STDIN") as sink:
        sink.write("one\ntwo\n")
    assert world.database.restore()
    assert world.dump() == before


def test_a_transaction_that_rolled_back(world: Opened) -> None:
    """Leaves nothing to undo but the sequences that it moved."""
    before = world.dump()
    connection = world.connect(autocommit=False)
    connection.execute("INSERT INTO posts (title) VALUES ('x'); DELETE FROM doubles")
    connection.rollback()
    assert world.rows("SELECT last_value FROM posts_id_seq") == [3]
    assert world.database.restore()
    assert world.dump() == before


def test_a_transaction_that_is_not_over(world: Opened) -> None:
    """Goes on undisturbed, and what it commits later is undone then."""
    before = world.dump()
    connection = world.connect(autocommit=False)
    connection.execute("INSERT INTO doubles VALUES ('later')")
    world.run("INSERT INTO doubles VALUES ('now')")
    assert world.database.restore()
    assert world.dump() == before
    connection.commit()
    assert world.database.restore()
    assert world.dump() == before


def test_a_savepoint_that_rolled_back(world: Opened) -> None:
    """The rest of its transaction is noticed all the same."""
    before = world.dump()
    connection = world.connect(autocommit=False)
    connection.execute("SAVEPOINT one; DELETE FROM doubles; ROLLBACK TO one; DELETE FROM audit")
    connection.execute("INSERT INTO quick VALUES (2, 'two')")
    connection.commit()
    assert world.database.restore()
    assert world.dump() == before


def test_a_replica(superuser: Place) -> None:
    """A session in which ordinary triggers do not fire is noticed all the same."""
    opened = superuser.database(
        "CREATE TABLE t (x integer PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 600)"
    )
    before = opened.dump()
    with superuser.look(opened.database.name) as connection:
        connection.execute("SET session_replication_role = replica; DELETE FROM t WHERE x > 20")
    assert opened.database.restore()
    assert opened.dump() == before
    opened.close()


def test_ids_start_again(world: Opened) -> None:
    """Each test gets the ids that the one before got."""
    for _ in range(2):
        with world.connect() as connection:
            row = connection.execute("INSERT INTO users (email) VALUES ('x') RETURNING id").fetchone()
            assert row == (3,)
        world.database.restore()


def test_the_applications_lastval(world: Opened) -> None:
    """No sequence of hermetic's comes between an insert and the question which id it got."""
    connection = world.connect()
    connection.execute("INSERT INTO posts (title) VALUES ('x')")
    connection.execute("UPDATE items SET name = 'x' WHERE id = 1")
    assert connection.execute("SELECT lastval()").fetchone() == (3,)


def test_a_sequence_with_a_cache(world: Opened) -> None:
    """A session does not go on with values that it was handed before a restore."""
    connection = world.connect()
    first = connection.execute("SELECT nextval('greedy')").fetchone()
    world.database.restore()
    assert connection.execute("SELECT nextval('greedy')").fetchone() == first


def test_deferred_constraints_still_hold(world: Opened) -> None:
    """After a restore foreign keys are checked as the schema says."""
    world.run("DELETE FROM visits; UPDATE employees SET boss = NULL; UPDATE hens SET egg = egg")
    world.database.restore()
    for statement in (
        "INSERT INTO visits VALUES (99, '2024-01-01')",
        "INSERT INTO employees VALUES (9, 99)",
        "INSERT INTO hens VALUES (9, 9)",
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            world.run(statement)


THINGS = """
CREATE TABLE kinds (name text);
CREATE FUNCTION is_kind(text) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM kinds WHERE name = $1)';
CREATE TABLE things (kind text CHECK (is_kind(kind)));
INSERT INTO kinds VALUES ('a'); INSERT INTO things VALUES ('a');
"""
NOT_ONE_BY_ONE = {
    "foreign keys in a circle": (
        "CREATE TABLE hens (id integer PRIMARY KEY, egg integer);"
        "CREATE TABLE eggs (id integer PRIMARY KEY, hen integer REFERENCES hens ON DELETE RESTRICT);"
        "ALTER TABLE hens ADD FOREIGN KEY (egg) REFERENCES eggs ON DELETE RESTRICT;"
        "INSERT INTO hens VALUES (1); INSERT INTO eggs VALUES (1, 1); UPDATE hens SET egg = 1",
        "INSERT INTO hens VALUES (2)",
    ),
    "a check that reads another table": (THINGS, "DELETE FROM things; DELETE FROM kinds"),
    "a check that finds its table by the search_path": (
        f"CREATE SCHEMA app; SET search_path = app; {THINGS}",
        "SET search_path = app; DELETE FROM things",
    ),
}


@pytest.mark.parametrize(("schema", "write"), NOT_ONE_BY_ONE.values(), ids=NOT_ONE_BY_ONE.keys())
def test_rows_that_cannot_be_put_back_one_table_after_the_other(
    place: Place, schema: str, write: str
) -> None:
    """Come back all the same, in a copy of the database."""
    opened = place.database(schema)
    before = opened.dump()
    opened.run(write)
    assert opened.database.restore()
    assert opened.dump() == before
    assert not opened.database.restore()
    opened.close()
