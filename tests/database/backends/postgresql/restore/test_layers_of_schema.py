"""Layers whose fixtures change the schema: create_all in a session fixture, or an application that makes its tables."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from hermetic.errors import LayerConflict, RestoreError
from tests.database.backends.postgresql.restore.opened import Opened, Place, fixture

SCHEMA = """
CREATE TABLE users (id serial PRIMARY KEY, name text);
CREATE TABLE other (x integer);
INSERT INTO users (name) VALUES ('ada');
"""
CREATE_ALL = (
    "CREATE TABLE made (id serial PRIMARY KEY, u integer REFERENCES users); INSERT INTO made (u) VALUES (1)"
)
OID = "SELECT oid::integer FROM pg_database WHERE datname = current_database()"


def databases_of(opened: Opened) -> list[str]:
    """The worker database, and the copies of it."""
    return opened.rows(
        f"SELECT datname FROM pg_database WHERE datname ^@ '{opened.database.name}' ORDER BY 1"
    )


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    """A worker database with two tables."""
    with place.lent(SCHEMA) as lent:
        yield lent


def test_no_copy_a_test(opened: Opened) -> None:
    """Tests restore in place, rows of the new tables included."""
    layer = opened.layer("create_all", CREATE_ALL)
    during, oid = opened.dump(), opened.rows(OID)
    for _ in range(3):
        opened.run("DELETE FROM made; INSERT INTO made (u) VALUES (NULL); DELETE FROM users")
        assert opened.database.restore()
        assert opened.dump() == during
    assert opened.rows(OID) == oid
    opened.database.remove_layer(layer)


def test_a_test_that_alters_what_it_made(opened: Opened) -> None:
    """Is undone too: by a copy that was kept."""
    opened.layer("create_all", CREATE_ALL)
    opened.layer("rows", "INSERT INTO made (u) VALUES (1); INSERT INTO users (name) VALUES ('layer')")
    during = opened.dump()
    for script in ("DROP TABLE made CASCADE", "ALTER TABLE made ADD x integer", "DROP TABLE users CASCADE"):
        opened.run("INSERT INTO other VALUES (1)", script)
        assert opened.database.restore()
        assert opened.dump() == during


def test_rows_of_living_layers_in_a_database_made_anew(opened: Opened) -> None:
    """They are carried over, and can be taken out afterwards, in any order."""
    before = opened.dump()
    first = opened.layer("first", "INSERT INTO users (name) VALUES ('first')")
    second = opened.layer(
        "second", "INSERT INTO users (name) VALUES ('second'); INSERT INTO other VALUES (1)"
    )
    during = opened.dump()
    opened.run("ALTER TABLE users ADD x integer; DROP TABLE other")
    assert opened.database.restore()
    assert opened.dump() == during
    opened.database.remove_layer(first)
    opened.database.restore()
    assert opened.rows("SELECT name FROM users ORDER BY id") == ["ada", "second"]
    opened.database.remove_layer(second)
    opened.database.restore()
    assert opened.dump() == before


def test_the_schema_of_before_comes_back(opened: Opened) -> None:
    """Whether or not the fixture's teardown dropped what it made."""
    before = opened.dump()
    for teardown in ("DROP TABLE made", "SELECT 1"):
        layer = opened.layer("create_all", CREATE_ALL)
        opened.run(teardown)
        opened.database.remove_layer(layer)
        assert opened.database.dirty()
        opened.database.restore()
        assert opened.dump() == before


def test_rows_of_an_earlier_layer_go_while_the_schema_stays(opened: Opened) -> None:
    """A module fixture may end before a session fixture that made tables after it."""
    before = opened.dump()
    rows = opened.layer("rows", "INSERT INTO users (name) VALUES ('row'); INSERT INTO other VALUES (1)")
    schema = opened.layer("schema", CREATE_ALL)
    opened.database.remove_layer(rows)
    opened.database.restore()
    assert opened.rows("SELECT name FROM users") == ["ada"]
    assert opened.rows("SELECT count(*) FROM other") == [0]
    assert opened.rows("SELECT count(*) FROM made") == [1]
    opened.run("INSERT INTO users (name) VALUES ('x')")
    assert opened.rows("SELECT max(id) FROM users") == [2]
    opened.database.remove_layer(schema)
    opened.database.restore()
    assert opened.dump() == before


def test_rows_of_a_table_that_was_changed_since(opened: Opened) -> None:
    """They cannot go alone; they go with the change."""
    before = opened.dump()
    rows = opened.layer("rows", "INSERT INTO users (name) VALUES ('row')")
    schema = opened.layer("schema", "ALTER TABLE users ADD x integer")
    with pytest.raises(LayerConflict, match="fixture 'rows' and fixture 'schema'"):
        opened.database.remove_layer(rows)
    opened.database.restore()
    assert opened.rows("SELECT name FROM users ORDER BY id") == ["ada", "row"]
    opened.database.remove_layer(schema)
    opened.database.restore()
    assert opened.dump() == before


def test_a_change_that_a_later_layer_outlives(opened: Opened) -> None:
    """Is named; both go together."""
    before = opened.dump()
    schema = opened.layer("schema", CREATE_ALL)
    rows = opened.layer("rows", "INSERT INTO users (name) VALUES ('row')")
    with pytest.raises(
        LayerConflict, match="fixture 'schema' changed the schema, and fixture 'rows' wrote after it"
    ):
        opened.database.remove_layer(schema)
    opened.database.restore()
    assert opened.rows("SELECT count(*) FROM made") == [1]
    opened.database.remove_layer(rows)
    opened.database.restore()
    assert opened.dump() == before


def test_two_changes_of_the_schema(opened: Opened) -> None:
    """Each brings back what was before it."""
    before = opened.dump()
    first = opened.layer("first", "CREATE TABLE one (x serial)")
    between = opened.dump()
    second = opened.layer("second", "CREATE TABLE two (x serial); DROP TABLE other")
    opened.database.remove_layer(second)
    opened.database.restore()
    assert opened.dump() == between
    opened.database.remove_layer(first)
    opened.database.restore()
    assert opened.dump() == before


def test_a_fixture_after_the_test_added_something(superuser: Place) -> None:
    """A table that the test made before is not the fixture's, and rows are told apart all the same."""
    opened = superuser.database(SCHEMA)
    before = opened.dump()
    opened.run("CREATE TABLE of_the_test (x integer)")
    layer = opened.layer("late", "INSERT INTO users (name) VALUES ('mine')")
    opened.database.restore()
    assert opened.rows("SELECT name FROM users ORDER BY id") == ["ada", "mine"]
    assert opened.rows("SELECT to_regclass('of_the_test')::text") == [None]
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert opened.dump() == before
    opened.close()


@pytest.mark.parametrize("change", ["CREATE TABLE of_the_test (x integer)", "DROP TABLE other"])
def test_a_change_after_the_test_changed_something(opened: Opened, change: str) -> None:
    """Cannot be told from what the test did."""
    before = opened.dump()
    opened.run(change)
    start = opened.database.begin_layer()
    opened.run("CREATE TABLE of_the_fixture (x integer); DELETE FROM users")
    with pytest.raises(LayerConflict, match="'late' was asked for after the test had changed the schema"):
        opened.database.end_layer(start, fixture("late"))
    opened.database.restore()
    assert opened.dump() == before


def test_the_copies_of_schemas_that_went(opened: Opened) -> None:
    """Are dropped with them: a run of many modules that each make tables does not fill the disk."""
    outer = opened.layer("outer", CREATE_ALL)
    for _ in range(3):
        inner = opened.layer("inner", "ALTER TABLE made ADD more integer")
        opened.run("ALTER TABLE made DROP more")
        assert opened.database.restore()
        assert len(databases_of(opened)) == 3
        opened.database.remove_layer(inner)
        opened.database.restore()
        assert len(databases_of(opened)) == 2
    opened.database.remove_layer(outer)
    opened.database.restore()
    assert databases_of(opened) == [opened.database.name]


def test_a_new_baseline_of_another_schema(opened: Opened) -> None:
    """What collection and imports made is there for all tests."""
    opened.run(CREATE_ALL)
    opened.database.mark_baseline()
    during = opened.dump()
    opened.run("DELETE FROM made; ALTER TABLE users ADD x integer")
    assert opened.database.restore()
    assert opened.dump() == during


def test_tables_made_in_an_empty_database(place: Place) -> None:
    """A suite that calls create_all a test pays for no copy; without a superuser's rights it does, and it works."""
    opened = place.database()
    opened.database.ensure()
    before, oid = opened.dump(), opened.rows(OID)
    for _ in range(2):
        opened.run(CREATE_ALL.replace("REFERENCES users", ""))
        assert opened.database.restore()
        assert opened.dump() == before
    assert (opened.rows(OID) == oid) == (place.level == "superuser")
    opened.close()


def test_no_copy_could_be_taken(superuser: Place) -> None:
    """A poller that connects again and again keeps the copy from being made; what can be dropped is dropped."""
    opened = superuser.database()
    opened.run(SCHEMA)
    opened.database.mark_baseline()
    opened.database._baseline._origin = None
    opened.run("ALTER TABLE users ADD x integer")
    with pytest.raises(RestoreError, match="could not be made anew after a test changed the schema"):
        opened.database.restore()
    opened.close()


def test_rows_of_a_living_layer_in_a_schema_that_comes_back(opened: Opened) -> None:
    """They stay, and those of a layer that ended meanwhile go."""
    before = opened.dump()
    living = opened.layer("living", "INSERT INTO users (name) VALUES ('living')")
    ended = opened.layer("ended", "INSERT INTO other VALUES (1)")
    schema = opened.layer("schema", "CREATE TABLE made (n integer)")
    opened.database.remove_layer(ended)
    opened.database.remove_layer(schema)
    assert opened.database.restore()
    assert opened.rows("SELECT name FROM users ORDER BY id") == ["ada", "living"]
    assert opened.rows("SELECT count(*) FROM other") == [0]
    opened.database.remove_layer(living)
    assert opened.database.restore()
    assert opened.dump() == before


def test_a_copy_anew_where_a_layer_altered_what_another_wrote(opened: Opened) -> None:
    """Rows of the outer one that do not fit the altered table are carried by nobody: they lie in what comes back."""
    before = opened.dump()
    rows = opened.layer("rows", "UPDATE users SET name = 'row'; INSERT INTO other VALUES (1)")
    between = opened.dump()
    schema = opened.layer("schema", "ALTER TABLE users ADD x integer DEFAULT 1")
    during = opened.dump()
    for _ in range(2):
        opened.run("ALTER TABLE other ADD later integer; DELETE FROM users")
        assert opened.database.restore()
        assert opened.dump() == during
    opened.database.remove_layer(schema)
    assert opened.database.restore()
    assert opened.dump() == between
    opened.database.remove_layer(rows)
    assert opened.database.restore()
    assert opened.dump() == before


HIDE = "ALTER TABLE {schema}.moves RENAME TO hidden"
SHOW = "ALTER TABLE {schema}.hidden RENAME TO moves"


def test_an_attempt_to_make_it_anew_that_fails(opened: Opened) -> None:
    """Is an error of that test alone: the next restore tries again, from the beginning."""
    layer = opened.layer("schema", "ALTER TABLE users ADD x integer")
    during, administration = opened.dump(), opened.database.administration
    opened.run("DROP TABLE other")
    administration.run(HIDE.format(schema="pg_hermetic"))
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            opened.database.restore()
    with opened.look("postgres") as connection:
        name = opened.database.name
        found = connection.execute("SELECT datname FROM pg_database WHERE datname ^@ %s", [name]).fetchall()
    assert {row[0] for row in found} == {name, f"{name}_c1"}
    administration.run(SHOW.format(schema="pg_hermetic"))
    assert opened.database.restore()
    assert opened.dump() == during
    opened.database.remove_layer(layer)


def test_a_schema_that_could_not_come_back_at_once(opened: Opened) -> None:
    """Comes back with the next restore, without what ended meanwhile."""
    before = opened.dump()
    rows = opened.layer("rows", "INSERT INTO other VALUES (1)")
    layer = opened.layer("schema", "ALTER TABLE users ADD x integer")
    opened.database.remove_layer(rows)
    opened.database.remove_layer(layer)
    administration = opened.database.administration
    (of_before,) = opened.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(pg_)?hermetic_[0-9]+$'")
    administration.run(HIDE.format(schema=of_before))
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            opened.database.restore()
        assert opened.database.dirty()
    administration.run(SHOW.format(schema="pg_hermetic"))
    assert opened.database.restore()
    assert opened.dump() == before


def test_what_a_layer_made_is_dropped_in_place(superuser: Place) -> None:
    """Where nothing was altered, the database is no other one afterwards, with rows, sequences and keys of before."""
    opened = superuser.database(SCHEMA + "INSERT INTO users (name) SELECT 'u' FROM generate_series(1, 600)")
    before, oid = opened.dump(), opened.rows(OID)
    for made in (CREATE_ALL, "CREATE TABLE IF NOT EXISTS made (x integer); DELETE FROM users WHERE id < 9"):
        outer = opened.layer("outer", "INSERT INTO other VALUES (1)")
        schema = opened.layer("schema", made)
        later = opened.layer(
            "later", "INSERT INTO made DEFAULT VALUES; INSERT INTO users (name) VALUES ('l')"
        )
        opened.run("CREATE INDEX ON made (x)" if "x integer" in made else "CREATE VIEW v AS TABLE made")
        opened.run("UPDATE users SET name = 'test' WHERE id IN (3, 300); INSERT INTO other VALUES (2)")
        opened.database.restore()
        for layer in (later, schema):
            opened.database.remove_layer(layer)
        opened.run("DELETE FROM users WHERE id = 600")
        assert opened.database.restore()
        assert opened.rows("SELECT x FROM other") == [1]
        opened.run("UPDATE users SET name = 'noted' WHERE id = 2; SELECT nextval('users_id_seq')")
        assert opened.database.restore()
        opened.database.remove_layer(outer)
        assert opened.database.restore()
        assert opened.dump() == before
        assert opened.rows(OID) == oid
    opened.close()


def test_partitions_and_our_triggers_after_a_layer_s_end(superuser: Place) -> None:
    """What notices writes is in place again, and is missed where a test drops it."""
    opened = superuser.database(
        "CREATE TABLE parted (n integer) PARTITION BY LIST (n);"
        "CREATE TABLE one PARTITION OF parted FOR VALUES IN (1); CREATE TABLE plain (n integer)"
    )
    before, oid = opened.dump(), opened.rows(OID)
    made = opened.layer("made", "CREATE TABLE made (n integer) PARTITION BY LIST (n); DELETE FROM parted")
    opened.database.remove_layer(made)
    assert opened.database.restore()
    for script in ("INSERT INTO parted VALUES (1)", "INSERT INTO plain VALUES (1)"):
        opened.run(script)
        assert opened.database.restore()
    assert opened.dump() == before
    assert opened.rows(OID) == oid
    opened.run("DROP TRIGGER zz_hermetic ON plain", "INSERT INTO plain VALUES (1)")
    assert opened.database.restore()
    assert opened.dump() == before
    opened.close()


AGAIN = "DROP TABLE users; CREATE TABLE users (id serial PRIMARY KEY, name text); INSERT INTO users (name) VALUES ('t')"


@pytest.mark.parametrize("change", ["CREATE TABLE of_the_test (x integer)", "DROP TABLE other", AGAIN])
def test_a_fixture_that_writes_nothing_after_the_test_changed_the_schema(opened: Opened, change: str) -> None:
    """Is not refused, though others write on the server meanwhile."""
    before = opened.dump()
    opened.run(change)
    start = opened.database.begin_layer()
    with opened.look("postgres") as connection:
        connection.execute("CREATE TABLE of_somebody_else ()")
        connection.execute("DROP TABLE of_somebody_else")
    assert opened.database.end_layer(start, fixture("late", "session")) is None
    opened.database.restore()
    assert opened.dump() == before


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO users (name) VALUES ('f')",
        "DELETE FROM users",
        "UPDATE users SET name = 'f'",
        "TRUNCATE users",
    ],
)
def test_a_fixture_that_writes_after_the_test_made_a_table_again(opened: Opened, write: str) -> None:
    """Is refused: its rows would go with the table."""
    before = opened.dump()
    opened.run("INSERT INTO users (name) VALUES ('dirty')", AGAIN)
    start = opened.database.begin_layer()
    opened.run(write)
    with pytest.raises(LayerConflict, match="'late' was asked for after the test had changed the schema"):
        opened.database.end_layer(start, fixture("late"))
    opened.database.restore()
    assert opened.dump() == before
