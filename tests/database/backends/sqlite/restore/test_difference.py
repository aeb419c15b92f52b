"""Tests of differences between snapshots, and of applying them elsewhere."""

from __future__ import annotations

import pytest

from hermetic.database.backends.sqlite.restore.apply_diff import Conflict, apply
from hermetic.database.backends.sqlite.restore.changes import moved_sequences, set_sequences
from hermetic.database.backends.sqlite.restore.copies import RawText, Snapshot
from hermetic.database.backends.sqlite.restore.difference import Delta, difference, same
from tests.database.backends.sqlite.restore.opened import dump


def holding(script: str, on: Snapshot | None = None) -> Snapshot:
    """Make a snapshot of what a script leaves, on top of another one."""
    snapshot = on.duplicate() if on else Snapshot()
    snapshot.connection.executescript(script)
    return snapshot


EVERYTHING = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'one'), (2, 'two')",
    "CREATE TABLE t (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES (1, 2)",
    "CREATE TABLE t (rowid TEXT, oid, v); INSERT INTO t VALUES ('x', 1, 2), ('x', 1, 2)",
    "CREATE TABLE t (rowid, oid, _rowid_); INSERT INTO t VALUES (1, 2, 3)",
    "CREATE TABLE t (k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (NULL, 1), (NULL, 2), ('k', 3)",
    "CREATE TABLE t (a, b AS (a * 2), c AS (a * 3) STORED); INSERT INTO t (a) VALUES (7)",
    "CREATE TABLE t (v); INSERT INTO t VALUES (CAST(x'ff00' AS TEXT)), (x'ff00'), (1e300), (9223372036854775807)",
    """CREATE TABLE "a ""strange"" name" ("a ""column" PRIMARY KEY); INSERT INTO "a ""strange"" name" VALUES (1)""",
    "CREATE TABLE t (v CHECK (v > 0)); INSERT INTO t VALUES (1); CREATE UNIQUE INDEX i ON t (v)",
    "CREATE TABLE t (v); CREATE VIEW w AS SELECT v FROM t; CREATE VIEW x AS SELECT v FROM w",
    "CREATE TABLE t (v); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END; CREATE TABLE u (v)",
    "CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('some words')",
    "CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (1, 2, 3)",
    "PRAGMA user_version = 7; PRAGMA application_id = 8",
    "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (5)",
)

OTHERS = (
    *EVERYTHING,
    "CREATE TABLE t (v); INSERT INTO t VALUES (1)",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'two'), (2, 'one'), (3, NULL)",
    "",
)


@pytest.mark.parametrize("old", OTHERS)
@pytest.mark.parametrize("new", EVERYTHING)
def test_a_difference_turns_one_into_the_other(old: str, new: str) -> None:
    """Applied to the old state it makes the new one, and its inverse makes the old one again."""
    before, after = holding(old), holding(new)
    forth = difference(before, after)
    copy = before.duplicate()
    apply(forth, copy.connection)
    set_sequences(copy, after, [])
    assert dump_exactly(copy) == dump_exactly(after)
    apply(forth.inverse(), copy.connection)
    set_sequences(copy, before, [])
    assert dump_exactly(copy) == dump_exactly(before)


def dump_exactly(snapshot: Snapshot) -> list[str]:
    """Return all that a snapshot holds, texts that are no texts included, but not whether it has had counters."""
    ours = snapshot.connection.text_factory
    snapshot.connection.text_factory = lambda data: data.decode(errors="surrogateescape")
    found = dump(snapshot.connection)
    snapshot.connection.text_factory = ours
    return sorted(line for line in found if line != 'DELETE FROM "sqlite_sequence";')


def test_equal_snapshots_do_not_differ() -> None:
    """Nothing is nothing."""
    before = holding(";".join(EVERYTHING[:1]))
    assert not difference(before, before.duplicate())


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("'a'", "x'61'"), ("NULL", "0"), ("''", "NULL"), ("0.1", "0.10000000000000001")],
)
def test_values_are_compared_exactly(one: str, other: str) -> None:
    """What Python or SQL finds equal may still differ in what is stored."""
    table = "CREATE TABLE t (v); INSERT INTO t VALUES "
    assert bool(difference(holding(f"{table} ({one})"), holding(f"{table} ({other})"))) == (one != "0.1")


def test_rows_that_are_not_there() -> None:
    """No row is like no row, and unlike any."""
    assert same(None, None)
    assert not same((1, 2), None)
    assert same((1, "a"), (1, "a"))
    assert not same((1, RawText(b"a")), (1, b"a"))


BASE = "CREATE TABLE t (k TEXT PRIMARY KEY, u UNIQUE); INSERT INTO t VALUES ('a', 1), ('b', 2); CREATE INDEX i ON t (u)"


@pytest.mark.parametrize(
    ("change", "meanwhile", "message"),
    [
        ("UPDATE t SET u = 9 WHERE k = 'a'", "UPDATE t SET u = 8 WHERE k = 'a'", "row 'a' of table 't'"),
        ("DELETE FROM t WHERE k = 'a'", "DELETE FROM t WHERE k = 'a'", "row 'a' of table 't'"),
        ("INSERT INTO t VALUES ('c', 3)", "INSERT INTO t VALUES ('c', 4)", "row 'c' of table 't'"),
        ("INSERT INTO t VALUES ('c', 3)", "INSERT INTO t VALUES ('d', 3)", "UNIQUE constraint failed"),
        ("INSERT INTO t VALUES ('c', 3)", "DROP TABLE t", "table 't' is gone"),
        ("ALTER TABLE t ADD COLUMN x", "INSERT INTO t VALUES ('c', 4)", "row 'c' of table 't'"),
        ("DROP TABLE t", "DELETE FROM t", "of table 't'"),
        ("CREATE TABLE n (x)", "CREATE TABLE n (y)", "table 'n' is there already"),
        ("DROP INDEX i", "DROP INDEX i", "index 'i' is no longer what it was"),
    ],
)
def test_a_difference_that_does_not_fit(change: str, meanwhile: str, message: str) -> None:
    """Whoever changed the same thing meanwhile makes it a conflict, which says what it is about."""
    base = holding(BASE)
    delta = difference(base, holding(change, on=base))
    target = holding(meanwhile, on=base)
    with pytest.raises(Conflict, match=message):
        apply(delta, target.connection)


def test_a_key_that_is_taken_differently() -> None:
    """A row without an integer key may come to lie under another rowid; its key is what counts."""
    base = holding(BASE)
    delta = difference(base, holding("INSERT INTO t VALUES ('c', 3)", on=base))
    target = holding("INSERT INTO t VALUES ('d', 4)", on=base)
    apply(delta, target.connection)
    assert target.connection.execute("SELECT k FROM t ORDER BY k").fetchall() == [
        ("a",),
        ("b",),
        ("c",),
        ("d",),
    ]
    apply(delta.inverse(), target.connection)
    assert target.connection.execute("SELECT k FROM t ORDER BY k").fetchall() == [("a",), ("b",), ("d",)]


def test_what_a_difference_touches() -> None:
    """A row, a table as a whole, or an object of that name."""
    base = holding(BASE)
    delta = difference(base, holding("DELETE FROM t WHERE k = 'a'; DROP INDEX i", on=base))
    assert delta.touches("t", ("a",)) and delta.touches("t", None) and delta.touches("i", None)
    assert not delta.touches("t", ("b",)) and not delta.touches("other", None)
    assert not Delta({}, (), (), {}).touches("t", None)


def test_counters_that_moved() -> None:
    """Only those that are not what they were; tables that are gone have none."""
    before = holding(EVERYTHING[-1])
    after = holding(
        "CREATE TABLE u (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO u VALUES (3)", on=before
    )
    assert moved_sequences(before, after) == {"u": 3}
    set_sequences(before, before, [{"u": 3, "t": 9}])
    assert moved_sequences(Snapshot(), before) == {"t": 9}


def test_a_snapshot_gives_its_memory_back() -> None:
    """Closed once, or twice."""
    snapshot = Snapshot()
    snapshot.close()
    snapshot.close()
    with pytest.raises(Exception, match="closed"):
        snapshot.connection.execute("SELECT 1")
