"""Tests of layers as a worker database shows them: what wider fixtures write, in any order."""

from __future__ import annotations

from contextlib import closing

import pytest

from hermetic.database.backends.sqlite.restore import SqliteDatabase
from hermetic.database.layers import Layer
from hermetic.errors import LayerConflict
from tests.database.backends.sqlite.restore.opened import connect, dump_of, owned, values


def run(database: SqliteDatabase, sql: str) -> None:
    """Commit some statements, as an application does."""
    with closing(connect(database, isolation_level=None)) as connection:
        connection.executescript(sql)


def layer(database: SqliteDatabase, name: str, sql: str) -> Layer:
    """Have a fixture write something in its set-up."""
    start = database.begin_layer()
    run(database, sql)
    made = database.end_layer(start, owned(f"fixture {name!r}", "fixture", "module"))
    assert made is not None
    return made


def names(database: SqliteDatabase) -> list[str]:
    """Restore, and return the users' names."""
    database.restore()
    with closing(connect(database)) as connection:
        found: list[str] = values(connection, "SELECT name FROM users ORDER BY id")
        return found


def add(*users: str) -> str:
    """Return statements that add users."""
    return ";".join(f"INSERT INTO users (name) VALUES ('{user}')" for user in users)


def test_a_layer_survives_the_restore(database: SqliteDatabase) -> None:
    """What a fixture wrote is there in each test until the fixture ends."""
    assert database.is_pristine
    made: Layer = layer(database, "catalogue", add("grace"))
    assert not database.dirty()
    assert not database.is_pristine
    run(database, add("linus"))
    assert names(database) == ["ada", "grace"]
    database.remove_layer(made)
    assert database.dirty()
    assert not database.is_pristine
    assert names(database) == ["ada"]
    assert database.is_pristine


def test_a_set_up_that_writes_nothing_makes_no_layer(database: SqliteDatabase) -> None:
    """Neither one that reads, nor one that finds the database dirty, nor one that undoes its own work then."""
    owner = owned("fixture", "fixture", "module")
    assert database.end_layer(database.begin_layer(), owner) is None
    run(database, add("linus"))
    assert database.end_layer(database.begin_layer(), owner) is None
    start = database.begin_layer()
    run(database, add("grace") + "; DELETE FROM users WHERE name = 'grace'")
    assert database.end_layer(start, owner) is None
    assert names(database) == ["ada"]


def test_layers_end_in_any_order(database: SqliteDatabase) -> None:
    """A session fixture that came second outlives a module fixture that came first; at the end all is as before."""
    before = dump_of(database)
    module, session = layer(database, "module", add("m")), layer(database, "session", add("s"))
    database.remove_layer(module)
    assert names(database) == ["ada", "s"]
    database.remove_layer(session)
    assert names(database) == ["ada"]
    assert dump_of(database) == before


FOLLOWING = (
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, body);"
    "CREATE TRIGGER posts_new AFTER INSERT ON posts BEGIN"
    " INSERT INTO found (rowid, body) VALUES (new.id, new.body); END;"
    "CREATE TRIGGER posts_old AFTER DELETE ON posts BEGIN"
    " INSERT INTO found (found, rowid, body) VALUES ('delete', old.id, old.body); END;"
)
INDEXES = {
    "fts5": ("CREATE VIRTUAL TABLE found USING fts5(body, tokenize = porter)", "found"),
    "fts4": ("CREATE VIRTUAL TABLE found USING fts4(body, prefix='2,4')", "found"),
    "fts5 of a table": (
        f"{FOLLOWING} CREATE VIRTUAL TABLE found USING fts5(body, content='posts', content_rowid='id')",
        "posts",
    ),
}


@pytest.mark.parametrize(("schema", "written"), INDEXES.values(), ids=INDEXES.keys())
def test_two_fixtures_write_one_index_of_words(database: SqliteDatabase, schema: str, written: str) -> None:
    """Their rows are their own, though each changed the blocks of the index that the other had written."""
    run(database, f"{schema}; INSERT INTO {written} (body) VALUES ('at first')")
    database.mark_baseline()
    before = dump_of(database)
    first, second = (
        layer(database, name, f"INSERT INTO {written} (body) VALUES ('of the {name}')")
        for name in ("first", "second")
    )
    database.remove_layer(first)
    database.restore()
    assert matches(database, "first") == ["at first"]
    assert matches(database, "second") == ["of the second"]
    assert matches(database, "the") == ["of the second"]
    database.remove_layer(second)
    database.restore()
    assert dump_of(database) == before


def matches(database: SqliteDatabase, word: str) -> list[str]:
    """Return the texts that have a word."""
    with closing(connect(database)) as connection:
        found: list[str] = values(
            connection, f"SELECT body FROM found WHERE found MATCH '{word}' ORDER BY rowid"
        )
        return found


def test_an_index_out_of_step_with_its_table(database: SqliteDatabase) -> None:
    """It is not built again: a fixture may have meant it so. Then two that write it clash."""
    run(
        database, "CREATE TABLE posts (id INTEGER PRIMARY KEY, body); INSERT INTO posts VALUES (1, 'unknown')"
    )
    run(database, "CREATE VIRTUAL TABLE found USING fts5(body, content='posts', content_rowid='id')")
    database.mark_baseline()
    first = layer(database, "first", "INSERT INTO found (rowid, body) VALUES (7, 'one')")
    layer(database, "second", "INSERT INTO found (rowid, body) VALUES (8, 'two')")
    with pytest.raises(LayerConflict):
        database.remove_layer(first)


def test_two_fixtures_write_one_tree_of_rectangles(database: SqliteDatabase) -> None:
    """So it is with rtree."""
    run(
        database,
        "CREATE VIRTUAL TABLE places USING rtree(id, low, high); INSERT INTO places VALUES (1, 0.1, 0.2)",
    )
    database.mark_baseline()
    before = dump_of(database)
    first = layer(database, "first", "INSERT INTO places VALUES (2, 1.1, 1.2)")
    second = layer(database, "second", "INSERT INTO places VALUES (3, 2.1, 2.2)")
    database.remove_layer(first)
    database.restore()
    with closing(connect(database)) as connection:
        assert values(connection, "SELECT id FROM places WHERE high > 0.15") == [1, 3]
    database.remove_layer(second)
    database.restore()
    assert dump_of(database) == before


def test_ids_start_again_after_the_highest_layer(database: SqliteDatabase) -> None:
    """AUTOINCREMENT goes on where the living layers left it, whatever came and went."""
    first, second = layer(database, "first", add("a", "b")), layer(database, "second", add("c"))
    third = layer(database, "third", add("d", "e"))
    database.remove_layer(second)
    database.restore()
    with closing(connect(database)) as connection:
        assert connection.execute(add("x")).lastrowid == 7
    database.remove_layer(third)
    database.restore()
    with closing(connect(database)) as connection:
        assert connection.execute(add("x")).lastrowid == 4
    database.remove_layer(first)
    database.restore()
    with closing(connect(database)) as connection:
        assert connection.execute(add("x")).lastrowid == 2


def test_what_a_test_wrote_before_is_not_captured(database: SqliteDatabase) -> None:
    """A fixture that a test asks for in its body, after it wrote, gets only its own rows."""
    run(database, add("dirt"))
    made = layer(database, "late", add("mine"))
    assert database.dirty()
    assert names(database) == ["ada", "mine"]
    database.remove_layer(made)
    assert names(database) == ["ada"]


def test_a_nested_layer_counts_once(database: SqliteDatabase) -> None:
    """A fixture that asks for another one half-way owns what it wrote itself, before and after."""
    start = database.begin_layer()
    run(database, add("before"))
    inner = layer(database, "inner", add("inner"))
    run(database, add("after"))
    outer = database.end_layer(start, owned("fixture 'outer'", "fixture", "session"))
    assert outer is not None
    assert not database.dirty()
    assert names(database) == ["ada", "before", "inner", "after"]
    database.remove_layer(inner)
    assert names(database) == ["ada", "before", "after"]
    database.remove_layer(outer)
    assert names(database) == ["ada"]


def test_a_nested_layer_may_build_on_its_asker(database: SqliteDatabase) -> None:
    """A row of the inner fixture may refer to one that the outer wrote before."""
    start = database.begin_layer()
    run(database, add("before"))
    inner = layer(database, "inner", "INSERT INTO tasks (user_id) SELECT max(id) FROM users")
    outer = database.end_layer(start, owned("fixture 'outer'", "fixture", "session"))
    assert outer is not None
    database.remove_layer(inner)
    database.remove_layer(outer)
    assert names(database) == ["ada"]


def test_a_restore_in_the_middle_of_a_set_up(database: SqliteDatabase) -> None:
    """What was written before it is gone, and not the fixture's."""
    start = database.begin_layer()
    run(database, add("lost"))
    database.restore()
    run(database, add("kept"))
    assert database.end_layer(start, owned("fixture", "fixture", "module")) is not None
    assert names(database) == ["ada", "kept"]


def test_a_new_baseline_in_the_middle_of_a_set_up(database: SqliteDatabase) -> None:
    """A database that is filled while a fixture is set up starts filled for it; layers from before are no more."""
    old = layer(database, "old", add("old"))
    start = database.begin_layer()
    run(database, add("seed"))
    database.mark_baseline()
    run(database, add("kept"))
    made = database.end_layer(start, owned("fixture", "fixture", "module"))
    assert made is not None
    database.remove_layer(made)
    assert names(database) == ["ada", "old", "seed"]
    database.remove_layer(old)
    assert names(database) == ["ada", "old", "seed"]


def test_the_same_row_in_two_layers(database: SqliteDatabase) -> None:
    """The one that ends first is told who else wrote the row; both go together when the other ends."""
    first = layer(database, "first", "UPDATE users SET name = 'first'")
    second = layer(database, "second", "UPDATE users SET name = 'second'; " + add("more"))
    with pytest.raises(
        LayerConflict, match=r"fixture 'first' and fixture 'second' wrote the same data: row 1 of"
    ) as c:
        database.remove_layer(first)
    assert "'users'" in str(c.value)
    assert names(database) == ["second", "more"]
    database.remove_layer(second)
    assert names(database) == ["ada"]


def test_stuck_layers_go_with_the_one_that_held_them(database: SqliteDatabase) -> None:
    """A layer that could not go is tried again whenever another one goes, while others live on."""
    layer(database, "stays", add("stays"))
    first = layer(database, "first", "UPDATE users SET name = 'first' WHERE id = 1")
    second = layer(database, "second", "UPDATE users SET name = 'second' WHERE id = 1")
    third = layer(database, "third", add("third"))
    with pytest.raises(LayerConflict):
        database.remove_layer(first)
    database.remove_layer(third)
    assert names(database) == ["second", "stays"]
    database.remove_layer(second)
    assert names(database) == ["ada", "stays"]


def test_a_row_that_another_layer_refers_to(database: SqliteDatabase) -> None:
    """A foreign key that would dangle is a conflict, also where the application does not enforce it."""
    users = layer(database, "users", add("grace"))
    tasks = layer(database, "tasks", "INSERT INTO tasks (user_id) VALUES (2)")
    with pytest.raises(LayerConflict, match="row 1 of table 'tasks' refers to a row of 'users'") as caught:
        database.remove_layer(users)
    assert "fixture 'users' and fixture 'tasks'" in str(caught.value)
    database.remove_layer(tasks)
    assert names(database) == ["ada"]


def test_a_key_that_dangled_before_is_no_conflict(database: SqliteDatabase) -> None:
    """An application that never enforced its foreign keys may have rows that refer to nothing."""
    run(database, "INSERT INTO tasks (user_id) VALUES (99)")
    database.mark_baseline()
    first = layer(database, "first", add("first"))
    layer(database, "second", add("second"))
    database.remove_layer(first)
    assert names(database) == ["ada", "second"]


def test_a_foreign_key_that_fits_nothing_is_ignored(database: SqliteDatabase) -> None:
    """A schema whose foreign keys SQLite cannot check is not held against its layers."""
    run(database, "CREATE TABLE p (x); CREATE TABLE c (x REFERENCES p (x)); INSERT INTO c VALUES (1)")
    database.mark_baseline()
    first = layer(database, "first", add("first"))
    layer(database, "second", add("second"))
    database.remove_layer(first)
    assert names(database) == ["ada", "second"]


def test_a_layer_on_what_the_test_wrote(database: SqliteDatabase) -> None:
    """A fixture that changes a row of the test's own is told; what it wrote is not captured."""
    run(database, add("dirt"))
    start = database.begin_layer()
    run(database, "UPDATE users SET name = 'changed' WHERE name = 'dirt'; " + add("mine"))
    with pytest.raises(LayerConflict, match="fixture 'late' and the test, before it asked for the fixture"):
        database.end_layer(start, owned("fixture 'late'", "fixture", "module"))
    assert names(database) == ["ada"]


def test_a_failed_layer_leaves_none_of_its_changes(database: SqliteDatabase) -> None:
    """What was taken half-way is taken out again when the rest does not fit."""
    run(database, add("dirt"))
    start = database.begin_layer()
    run(database, add("first change"))
    inner = layer(database, "inner", add("inner"))
    run(database, "DELETE FROM users WHERE name = 'dirt'")
    with pytest.raises(LayerConflict):
        database.end_layer(start, owned("fixture 'outer'", "fixture", "session"))
    assert names(database) == ["ada", "inner"]
    database.remove_layer(inner)
    assert names(database) == ["ada"]
