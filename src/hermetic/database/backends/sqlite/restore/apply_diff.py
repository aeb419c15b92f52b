"""Applying a difference to another snapshot, or finding that it does not fit there."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable

from hermetic.database.backends.sqlite.restore.copies import RawText
from hermetic.database.backends.sqlite.restore.difference import (
    Delta,
    Key,
    Row,
    SchemaObject,
    Shape,
    TableChange,
    quoted,
    read_rows,
    read_schema,
    read_shape,
    same,
)

_DROPPING = ("trigger", "view", "index", "table")


class Conflict(Exception):
    """A difference does not fit: somebody else changed the same row or object.

    Args:
        table: The table, or the other schema object.
        key: The row's key; None when it is about the table as a whole.
        what: What does not fit.
    """

    def __init__(self, table: str, key: Key | None, what: str) -> None:
        super().__init__(what)
        self.table = table
        self.key = key


def apply(delta: Delta, target: sqlite3.Connection) -> None:
    """Change a database as a difference says.

    Args:
        delta: What to change.
        target: The database; on a conflict it is left half-changed, so pass a copy.

    Raises:
        Conflict: A row or an object is not what the difference starts from, or a foreign key would dangle.
    """
    schema = read_schema(target)
    _check_schema(delta, schema)
    for name, change in delta.tables.items():
        _check_rows(name, change, target)
    dangling = _dangling(target)
    triggers = [one for one in schema.values() if one.type == "trigger"]
    try:
        _rewrite(delta, target, triggers)
    except sqlite3.Error as error:
        raise Conflict("", None, f"SQLite refuses it ({error})") from error
    for table, rowid, parent in (_dangling(target) - dangling).elements():
        raise Conflict(
            table, None, f"row {rowid} of table {table!r} refers to a row of {parent!r} that is then gone"
        )


def _check_schema(delta: Delta, schema: dict[str, SchemaObject]) -> None:
    dropped = {one.name for one in delta.dropped}
    for one in delta.dropped:
        if schema.get(one.name) != one:
            raise Conflict(one.name, None, f"{one.type} {one.name!r} is no longer what it was")
    for one in delta.created:
        if one.name in schema and one.name not in dropped:
            raise Conflict(one.name, None, f"{one.type} {one.name!r} is there already")


def _check_rows(name: str, change: TableChange, target: sqlite3.Connection) -> None:
    if change.before is None:
        return  # the table is not there yet, which _check_schema has seen to
    if name not in read_schema(target):
        raise Conflict(name, None, f"table {name!r} is gone")
    rows = read_rows(target, read_shape(target, name))
    touched = (
        rows.keys() | change.removed.keys() if change.whole else change.removed.keys() | change.added.keys()
    )
    for key in touched:
        if not same(rows.get(key), change.removed.get(key)):
            raise Conflict(name, key, f"row {_named(key)} of table {name!r}")


def _named(key: Key) -> str:
    return repr(key[0]) if len(key) == 1 else repr(key)


def _dangling(target: sqlite3.Connection) -> Counter[tuple[str, int | None, str]]:
    try:
        rows = target.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.OperationalError:  # a foreign key that fits no unique index; SQLite checks none then
        return Counter()
    return Counter((table, rowid, parent) for table, rowid, parent, _ in rows)


def _rewrite(delta: Delta, target: sqlite3.Connection, triggers: list[SchemaObject]) -> None:
    """Make the change, with no trigger there to take part in it."""
    target.execute("PRAGMA ignore_check_constraints=ON")
    target.execute("BEGIN")
    dropped = {one.name for one in delta.dropped}
    _drop({one.name: one for one in [*triggers, *delta.dropped]}.values(), target)
    for name, change in delta.tables.items():
        if change.before is not None and name not in dropped:
            _delete(change.before, change.removed, target)
    made = sorted(delta.created, key=lambda one: -_DROPPING.index(one.type))
    for one in sorted(made, key=lambda one: not one.is_virtual):
        if one.type == "table" and one.name not in read_schema(target):
            target.execute(one.sql)
        elif one.type == "table":  # a shadow table, which came with its virtual table
            target.execute(f"DELETE FROM {quoted(one.name)}")
    for change in delta.tables.values():
        if change.after is not None:
            _insert(change.after, change.added, target)
    for name in delta.indexes:
        target.execute(f"INSERT INTO {quoted(name)} ({quoted(name)}) VALUES ('rebuild')")
    kept = [one for one in triggers if one.name not in dropped]
    for one in [*(one for one in made if one.type != "table"), *kept]:
        target.execute(one.sql)
    for name, (_, value) in delta.pragmas.items():
        target.execute(f"PRAGMA {name}={value}")
    target.execute("COMMIT")


def _drop(objects: Iterable[SchemaObject], target: sqlite3.Connection) -> None:
    order = sorted(objects, key=lambda one: (_DROPPING.index(one.type), not one.is_virtual))
    for one in order:
        target.execute(f"DROP {one.type} IF EXISTS {quoted(one.name)}")


def _delete(shape: Shape, rows: dict[Key, Row], target: sqlite3.Connection) -> None:
    for key, row in rows.items():
        if key[:1] == ("rowid",) and len(key) == 2 and not shape.key:
            where, values = f"{shape.rowid} = ?", [row[0]]
        else:
            columns = [quoted(shape.columns[position]) for position in shape.key]
            where = " AND ".join(f"{column} IS ?" for column in columns)
            values = [row[position + 1] for position in shape.key]
        target.execute(f"DELETE FROM {quoted(shape.name)} WHERE {where}", values)


def _insert(shape: Shape, rows: dict[Key, Row], target: sqlite3.Connection) -> None:
    """Insert rows, each under its old rowid where that means something or is free."""
    for row in rows.values():
        columns = [quoted(column) for column in shape.columns]
        values = list(row[1:])
        if shape.rowid is not None and _is_free(shape, row[0], target):
            columns, values = [shape.rowid, *columns], list(row)
        places = ", ".join("CAST(? AS TEXT)" if isinstance(value, RawText) else "?" for value in values)
        bound = [value.data if isinstance(value, RawText) else value for value in values]
        target.execute(f"INSERT INTO {quoted(shape.name)} ({', '.join(columns)}) VALUES ({places})", bound)


def _is_free(shape: Shape, rowid: int, target: sqlite3.Connection) -> bool:
    found = target.execute(f"SELECT 1 FROM {quoted(shape.name)} WHERE {shape.rowid} = ?", (rowid,)).fetchall()
    return not found or not shape.key
