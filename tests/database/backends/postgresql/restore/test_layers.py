"""Layers: what wider fixtures write, in any order, with and without a superuser's rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hermetic.database.layers import Layer
from hermetic.errors import LayerConflict
from tests.database.backends.postgresql.restore.opened import Opened, Place, fixture

SCHEMA = """
CREATE TABLE users (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE tasks (id serial PRIMARY KEY, user_id integer REFERENCES users, title text);
CREATE TABLE keyless (line text);
CREATE TABLE items (id integer PRIMARY KEY, name text);
CREATE TABLE events (id integer, kind text) PARTITION BY LIST (kind);
CREATE TABLE talks PARTITION OF events FOR VALUES IN ('talk');
INSERT INTO users (name) VALUES ('ada');
INSERT INTO items SELECT n, 'item ' || n FROM generate_series(1, 600) n;
INSERT INTO keyless VALUES ('same'), ('same');
CREATE TABLE secrets (x integer);
INSERT INTO secrets VALUES (1);
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_of_them ON secrets USING (current_setting('app.every', true) = 'yes');
"""


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    """A worker database with users and their tasks, and some other tables."""
    with place.lent(SCHEMA) as lent:
        yield lent


def add(*users: str) -> str:
    """Return a statement that adds users."""
    return "INSERT INTO users (name) VALUES " + ", ".join(f"('{user}')" for user in users)


def names(opened: Opened) -> list[str]:
    """Restore, and return the users' names."""
    opened.database.restore()
    return [str(name) for name in opened.rows("SELECT name FROM users ORDER BY id")]


def test_a_layer_survives_the_restore(opened: Opened) -> None:
    """What a fixture wrote is there in each test until the fixture ends."""
    before = opened.dump()
    assert opened.database.is_pristine
    made: Layer = opened.layer("catalogue", add("grace"))
    assert not opened.database.dirty()
    assert not opened.database.is_pristine
    assert not opened.database.restore()
    opened.run(add("linus"))
    assert names(opened) == ["ada", "grace"]
    opened.database.remove_layer(made)
    assert opened.database.dirty()
    assert not opened.database.is_pristine
    assert names(opened) == ["ada"]
    assert opened.database.is_pristine
    assert opened.dump() == before


def test_a_set_up_that_writes_nothing_makes_no_layer(opened: Opened) -> None:
    """Neither one that reads, nor one that finds the database dirty, nor one that undoes its own work then."""
    owner = fixture("reader")
    assert opened.database.end_layer(opened.database.begin_layer(), owner) is None
    opened.run("INSERT INTO keyless VALUES ('dirt')")
    start = opened.database.begin_layer()
    opened.run("SELECT * FROM users")
    assert opened.database.end_layer(start, owner) is None
    start = opened.database.begin_layer()
    opened.run("INSERT INTO items VALUES (0, 'x'); DELETE FROM items WHERE id = 0")
    assert opened.database.end_layer(start, owner) is None
    assert opened.database.restore()
    assert opened.rows("SELECT count(*) FROM keyless") == [2]


WRITES = {
    "large tables": "INSERT INTO items VALUES (0, 'x'); UPDATE items SET name = 'y' WHERE id = 5;"
    "DELETE FROM items WHERE id = 6",
    "a large table emptied": "TRUNCATE items; INSERT INTO items VALUES (5, 'x')",
    "rows without a key": "DELETE FROM keyless WHERE ctid = '(0,1)'; INSERT INTO keyless VALUES ('new'), ('new')",
    "partitions": "INSERT INTO events VALUES (1, 'talk')",
    "rows that policies hide": "SET app.every = 'yes'; INSERT INTO secrets VALUES (2); DELETE FROM secrets WHERE x = 1",
    "a sequence alone": "SELECT nextval('tasks_id_seq')",
    "tables that refer to each other": add("g") + "; INSERT INTO tasks (user_id) SELECT max(id) FROM users",
    "large objects": "SELECT lo_from_bytea(77, 'x')",
    "a table": "CREATE TABLE made (x serial, u integer REFERENCES users); INSERT INTO made (u) VALUES (1)",
    "a column": "ALTER TABLE users ADD made text DEFAULT 'x'; DELETE FROM keyless",
    "a table dropped": "DROP TABLE keyless; DROP TABLE tasks",
}


@pytest.mark.parametrize("script", WRITES.values(), ids=WRITES.keys())
def test_whatever_it_wrote(opened: Opened, script: str) -> None:
    """It is there after each restore as long as the layer lives, and gone afterwards."""
    before = opened.dump()
    layer = opened.layer("wide", script)
    during = opened.dump()
    assert during != before
    for _ in range(2):
        opened.run(
            "DELETE FROM items WHERE id < 9; DELETE FROM events; INSERT INTO users (name) VALUES ('x')"
        )
        assert opened.database.restore()
        assert opened.dump() == during
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert opened.dump() == before


def test_layers_end_in_any_order(opened: Opened) -> None:
    """A session fixture that came second outlives a module fixture that came first; at the end all is as before."""
    before = opened.dump()
    module, session = opened.layer("module", add("m")), opened.layer("session", add("s"))
    opened.database.remove_layer(module)
    assert names(opened) == ["ada", "s"]
    opened.database.remove_layer(session)
    assert names(opened) == ["ada"]
    assert opened.dump() == before


def test_ids_start_again_after_the_highest_layer(opened: Opened) -> None:
    """A sequence goes on where the living layers left it, whatever came and went."""

    def next_id() -> int:
        opened.database.restore()
        opened.run(add("x"))
        found: int = opened.rows("SELECT max(id) FROM users")[0]
        return found

    first, second = opened.layer("first", add("a", "b")), opened.layer("second", add("c"))
    third = opened.layer("third", add("d", "e"))
    opened.database.remove_layer(second)
    assert next_id() == 7
    opened.database.remove_layer(third)
    assert next_id() == 4
    opened.database.remove_layer(first)
    assert next_id() == 2


def test_what_a_test_wrote_before_is_not_captured(opened: Opened) -> None:
    """A fixture that a test asks for in its body, after it wrote, gets only its own rows."""
    before = opened.dump()
    opened.run(add("dirt"), "UPDATE items SET name = 'dirt' WHERE id = 1", "DELETE FROM keyless")
    made = opened.layer(
        "late", add("mine"), "INSERT INTO items VALUES (0, 'mine')", "INSERT INTO keyless VALUES ('mine')"
    )
    assert opened.database.dirty()
    assert names(opened) == ["ada", "mine"]
    assert opened.rows("SELECT name FROM items WHERE id < 2 ORDER BY id") == ["mine", "item 1"]
    assert opened.rows("SELECT line FROM keyless ORDER BY line") == ["mine", "same", "same"]
    opened.database.remove_layer(made)
    opened.database.restore()
    assert opened.dump() == before


def test_a_large_table_emptied_on_top_of_what_a_test_did(opened: Opened) -> None:
    """All of it is put back, not only the keys that were noted."""
    before = opened.dump()
    opened.run("UPDATE items SET name = 'x' WHERE id = 1", "UPDATE items SET name = 'item 1' WHERE id = 1")
    layer = opened.layer("wide", "TRUNCATE items")
    opened.run("INSERT INTO items VALUES (9, 'x')")
    opened.database.restore()
    assert opened.rows("SELECT count(*) FROM items") == [0]
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert opened.dump() == before


def test_a_nested_layer_counts_once(opened: Opened) -> None:
    """A fixture that asks for another one half-way owns what it wrote itself, before and after."""
    start = opened.database.begin_layer()
    opened.run(add("before"))
    inner = opened.layer("inner", add("inner"))
    opened.run(add("after"))
    outer = opened.database.end_layer(start, fixture("outer", "session"))
    assert outer is not None
    assert not opened.database.dirty()
    assert names(opened) == ["ada", "before", "inner", "after"]
    opened.database.remove_layer(inner)
    assert names(opened) == ["ada", "before", "after"]
    opened.database.remove_layer(outer)
    assert names(opened) == ["ada"]


def test_a_nested_layer_may_build_on_its_asker(opened: Opened) -> None:
    """A row of the inner fixture may refer to one that the outer wrote before."""
    start = opened.database.begin_layer()
    opened.run(add("before"))
    inner = opened.layer("inner", "INSERT INTO tasks (user_id) SELECT max(id) FROM users")
    outer = opened.database.end_layer(start, fixture("outer", "session"))
    assert outer is not None
    opened.database.remove_layer(inner)
    opened.database.remove_layer(outer)
    assert names(opened) == ["ada"]


def test_an_inner_layer_on_what_the_test_wrote(opened: Opened) -> None:
    """When it fails, the fixture that asked for it goes on, and a part of it can still be kept."""
    opened.run(add("dirt"))
    start = opened.database.begin_layer()
    opened.run("INSERT INTO keyless VALUES ('outer')")
    inner = opened.database.begin_layer()
    opened.run("UPDATE users SET name = 'changed' WHERE name = 'dirt'")
    with pytest.raises(LayerConflict):
        opened.database.end_layer(inner, fixture("inner"))
    opened.run("INSERT INTO keyless VALUES ('outer too')")
    layer = opened.database.end_layer(start, fixture("outer"))
    assert layer is not None
    assert names(opened) == ["ada"]
    assert opened.rows("SELECT count(*) FROM keyless") == [4]
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert opened.rows("SELECT count(*) FROM keyless") == [2]


def test_a_restore_in_the_middle_of_a_set_up(opened: Opened) -> None:
    """What was written before it is gone, and not the fixture's."""
    start = opened.database.begin_layer()
    opened.run(add("lost"))
    opened.database.restore()
    opened.run(add("kept"))
    assert opened.database.end_layer(start, fixture("wide")) is not None
    assert names(opened) == ["ada", "kept"]


def test_a_new_baseline_in_the_middle_of_a_set_up(opened: Opened) -> None:
    """A database that is filled while a fixture is set up starts filled for it; layers from before are no more."""
    old = opened.layer("old", add("old"))
    start = opened.database.begin_layer()
    opened.run(add("seed"))
    opened.database.mark_baseline()
    opened.run(add("kept"))
    made = opened.database.end_layer(start, fixture("wide"))
    assert made is not None
    opened.database.remove_layer(made)
    assert names(opened) == ["ada", "old", "seed"]
    opened.database.remove_layer(old)
    assert names(opened) == ["ada", "old", "seed"]
    opened.run(add("x"))
    assert opened.rows("SELECT max(id) FROM users") == [4]


def test_the_same_row_in_two_layers(opened: Opened) -> None:
    """The one that ends first is told who else wrote the row; both go together when the other ends."""
    before = opened.dump()
    first = opened.layer("first", "UPDATE users SET name = 'first'")
    second = opened.layer("second", "UPDATE users SET name = 'second'; " + add("more"))
    with pytest.raises(
        LayerConflict,
        match=r"fixture 'first' and fixture 'second' wrote the same data: rows of the table public\.users",
    ):
        opened.database.remove_layer(first)
    assert names(opened) == ["second", "more"]
    opened.database.remove_layer(second)
    assert names(opened) == ["ada"]
    assert opened.dump() == before


def test_stuck_layers_go_with_the_one_that_held_them(opened: Opened) -> None:
    """A layer that could not go is tried again whenever another one goes, while others live on."""
    opened.layer("stays", add("stays"))
    first = opened.layer("first", "UPDATE users SET name = 'first' WHERE id = 1")
    second = opened.layer("second", "UPDATE users SET name = 'second' WHERE id = 1")
    third = opened.layer("third", add("third"))
    with pytest.raises(LayerConflict):
        opened.database.remove_layer(first)
    opened.database.remove_layer(third)
    assert names(opened) == ["second", "stays"]
    opened.database.remove_layer(second)
    assert names(opened) == ["ada", "stays"]


def test_a_row_that_another_layer_refers_to(opened: Opened) -> None:
    """A foreign key that would dangle is a conflict."""
    users = opened.layer("users", add("grace"))
    tasks = opened.layer("tasks", "INSERT INTO tasks (user_id) VALUES (2)")
    with pytest.raises(LayerConflict, match="fixture 'users' and fixture 'tasks' wrote the same data"):
        opened.database.remove_layer(users)
    assert names(opened) == ["ada", "grace"]
    opened.database.remove_layer(tasks)
    assert names(opened) == ["ada"]


def test_a_row_that_comes_back_and_refers_to_one_that_went(opened: Opened) -> None:
    """Nor may what a layer deleted refer to what a later one deleted."""
    opened.run(add("grace"), "INSERT INTO tasks (user_id) VALUES (2)")
    opened.database.mark_baseline()
    first = opened.layer("first", "DELETE FROM tasks")
    second = opened.layer("second", "DELETE FROM users WHERE id = 2")
    with pytest.raises(LayerConflict, match="fixture 'first' and"):
        opened.database.remove_layer(first)
    opened.database.remove_layer(second)
    assert names(opened) == ["ada", "grace"]
    assert opened.rows("SELECT user_id FROM tasks") == [2]


def test_a_unique_value_in_two_layers(opened: Opened) -> None:
    """A value that one layer freed and another took is a conflict."""
    first = opened.layer("first", "DELETE FROM users")
    second = opened.layer("second", add("ada"))
    with pytest.raises(LayerConflict, match="fixture 'first' and fixture 'second'"):
        opened.database.remove_layer(first)
    assert opened.rows("SELECT id FROM users") == [2]
    opened.database.remove_layer(second)
    assert names(opened) == ["ada"]
    assert opened.rows("SELECT id FROM users") == [1]


def test_a_layer_on_what_the_test_wrote(opened: Opened) -> None:
    """A fixture that changes a row of the test's own is told; what it wrote is not captured."""
    before = opened.dump()
    opened.run(add("dirt"))
    start = opened.database.begin_layer()
    opened.run("UPDATE users SET name = 'changed' WHERE name = 'dirt'; " + add("mine"))
    with pytest.raises(LayerConflict, match="fixture 'late' and the test, before it asked for the fixture"):
        opened.database.end_layer(start, fixture("late"))
    assert names(opened) == ["ada"]
    assert opened.dump() == before


def test_a_failed_layer_leaves_none_of_its_changes(opened: Opened) -> None:
    """What was taken half-way is taken out again when the rest does not fit."""
    opened.run(add("dirt"))
    start = opened.database.begin_layer()
    opened.run(add("first change"))
    inner = opened.layer("inner", add("inner"))
    opened.run("DELETE FROM users WHERE name = 'dirt'")
    with pytest.raises(LayerConflict):
        opened.database.end_layer(start, fixture("outer", "session"))
    assert names(opened) == ["ada", "inner"]
    opened.database.remove_layer(inner)
    assert names(opened) == ["ada"]
    assert opened.rows("SELECT relname FROM pg_class WHERE relname ~ '^[bd][0-9]+_'") == []
