"""What differs between two snapshots, row by row and object by object.

Values are compared exactly (1 is not 1.0, a text is not a blob of the same bytes). A row is known by its primary key,
or by its rowid where it has none. Tables made, dropped or altered between the two are compared as a whole.

Of a virtual table is compared what it shows, not how it keeps that. A full-text index keeps its rows in tables of its
own, *shadow tables*, and spreads each of them over blocks that the next row changes again; so of two fixtures that
wrote one such table each had changed the other's blocks. The rows that it shows are each one's own, and bring its index
along when they are written.

An FTS table whose texts lie in another table (``content=``) follows from that one, and is built again from it, where it
was in step with it. One that keeps no texts at all cannot be read: its shadow tables are compared, as those of every
module that is not known here.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any, TypeAlias

from hermetic.database.backends.sqlite.restore.copies import Snapshot

Key: TypeAlias = tuple[Any, ...]
Row: TypeAlias = tuple[Any, ...]

PRAGMAS = ("user_version", "application_id")

_FTS = ("segments", "segdir", "stat", "content", "docsize")
_SHADOWS = {
    "fts3": _FTS,
    "fts4": _FTS,
    "fts5": ("data", "idx", "content", "docsize"),  # and config, which has what was set by hand
    "rtree": ("node", "parent", "rowid"),
    "rtree_i32": ("node", "parent", "rowid"),
}
_MODULE = re.compile(r"\bUSING\s+[\"'`\[]?(\w+)", re.IGNORECASE)
_CONTENT = re.compile(r"\bcontent\s*=\s*(?P<quote>[\"'`\[]?)(?P<table>[^\"'`\],)]*)", re.IGNORECASE)
_NOT_ALL_SHOWN = re.compile(r"\b(?:languageid|compress|uncompress)\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class SchemaObject:
    """A table, index, view or trigger as ``sqlite_master`` has it."""

    type: str
    name: str
    table: str
    sql: str

    @property
    def is_virtual(self) -> bool:
        """Whether it is a virtual table."""
        return self.sql.upper().startswith("CREATE VIRTUAL")

    @property
    def has_rows(self) -> bool:
        """Whether it is a table whose rows can be read and written."""
        return self.type == "table" and (not self.is_virtual or self.shows_rows)

    @property
    def shows_rows(self) -> bool:
        """Whether it is a virtual table, and the rows that it shows are all that it is."""
        is_all_shown = _CONTENT.search(self.sql) is None and _NOT_ALL_SHOWN.search(self.sql) is None
        return self.is_virtual and self.shadows != [] and is_all_shown

    @property
    def follows_content(self) -> bool:
        """Whether it is a virtual table that indexes another table's rows, and can be built again from them."""
        found = _CONTENT.search(self.sql)
        return self.is_virtual and self.shadows != [] and found is not None and bool(found["table"].strip())

    @property
    def shadows(self) -> list[str]:
        """The names of the tables in which a virtual table keeps its rows."""
        return [f"{self.name}_{suffix}" for suffix in _SHADOWS.get(self._module, ())]

    @property
    def integrity_check(self) -> str:
        """An insertion that fails where an index has other rows than the table that it indexes."""
        name = quoted(self.name)
        if self._module == "fts5":
            return f"INSERT INTO {name} ({name}, rank) VALUES ('integrity-check', 1)"
        return f"INSERT INTO {name} ({name}) VALUES ('integrity-check')"

    @property
    def _module(self) -> str:
        found = _MODULE.search(self.sql)
        return found[1].lower() if found else ""


@dataclass(frozen=True)
class Shape:
    """How a table's rows are read and known.

    Attributes:
        name: The table's.
        columns: Those that are stored, without generated ones.
        key: The positions of the primary key's columns.
        rowid: A name that reaches the rowid, or None for a table without.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]
    rowid: str | None


@dataclass(frozen=True)
class TableChange:
    """The rows that one table lost and gained; a row that was changed is in both.

    Attributes:
        removed: The old rows; the first value of each is its rowid or None.
        added: The new ones.
        before: How the old ones are read; None when there was no such table.
        after: How the new ones are.
        whole: Whether the table was made, dropped or altered, so that these are all its rows.
    """

    removed: dict[Key, Row]
    added: dict[Key, Row]
    before: Shape | None
    after: Shape | None
    whole: bool

    def inverse(self) -> TableChange:
        """Return the change that undoes it."""
        return TableChange(self.added, self.removed, self.after, self.before, self.whole)


@dataclass(frozen=True)
class Delta:
    """All that differs between two snapshots.

    Attributes:
        tables: By name.
        dropped: Schema objects that were, and are no longer so.
        created: Schema objects that are, and were not so.
        pragmas: The old and the new value of those of ``PRAGMAS`` that changed.
        indexes: Virtual tables that follow from tables which changed.
    """

    tables: dict[str, TableChange]
    dropped: tuple[SchemaObject, ...]
    created: tuple[SchemaObject, ...]
    pragmas: dict[str, tuple[int, int]]
    indexes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tables or self.dropped or self.created or self.pragmas)

    def inverse(self) -> Delta:
        """Return the delta that undoes it."""
        return Delta(
            {name: change.inverse() for name, change in self.tables.items()},
            self.created,
            self.dropped,
            {name: (new, old) for name, (old, new) in self.pragmas.items()},
            self.indexes,
        )

    def touches(self, table: str, key: Key | None) -> bool:
        """Whether it changes a row, or anything of a table or of the object of that name."""
        if any(one.name == table for one in self.dropped + self.created):
            return True
        change = self.tables.get(table)
        return change is not None and (key is None or key in change.removed or key in change.added)


def difference(before: Snapshot, after: Snapshot) -> Delta:
    """Work out what turns one snapshot into another."""
    old, new = before.connection, after.connection
    had, has = read_schema(old), read_schema(new)
    dropped = tuple(one for name, one in had.items() if has.get(name) != one)
    created = tuple(one for name, one in has.items() if had.get(name) != one)
    indexes = [one for name, one in has.items() if had.get(name) == one and _follows(one, old, new)]
    apart = {shadow for one in indexes for shadow in one.shadows}
    tables: dict[str, TableChange] = {}
    for name in {one.name: None for one in (*had.values(), *has.values()) if one.has_rows}:
        change = _table_change(old, new, had.get(name), has.get(name))
        if name not in apart and (change.removed or change.added or change.whole):
            tables[name] = change
    pragmas = {name: (_pragma(old, name), _pragma(new, name)) for name in PRAGMAS}
    return Delta(
        tables,
        dropped,
        created,
        {name: pair for name, pair in pragmas.items() if pair[0] != pair[1]},
        tuple(one.name for one in indexes),
    )


def _follows(one: SchemaObject, *snapshots: sqlite3.Connection) -> bool:
    """Whether something is an index of another table's rows, and has just those."""
    if not one.follows_content:
        return False
    try:
        for snapshot in snapshots:
            snapshot.execute(one.integrity_check)
    except sqlite3.Error:
        return False
    return True


def read_schema(connection: sqlite3.Connection) -> dict[str, SchemaObject]:
    """Return the schema objects that somebody wrote, by name, without SQLite's own and what a virtual table keeps."""
    rows = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\' ORDER BY rowid"
    ).fetchall()
    found = {name: SchemaObject(kind, name, table, sql) for kind, name, table, sql in rows}
    kept = {shadow for one in found.values() if one.shows_rows for shadow in one.shadows}
    return {name: one for name, one in found.items() if name not in kept}


def read_shape(connection: sqlite3.Connection, table: str) -> Shape:
    """Find out how a table's rows are read."""
    info = connection.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall()
    stored = [row for row in info if row[6] == 0]
    keyed = sorted((row[5], position) for position, row in enumerate(stored) if row[5])
    names = {row[1].lower() for row in info}
    return Shape(
        table,
        tuple(row[1] for row in stored),
        tuple(position for _, position in keyed),
        _rowid_name(connection, table, names),
    )


def read_rows(connection: sqlite3.Connection, shape: Shape) -> dict[Key, Row]:
    """Read all rows of a table, the rowid (or NULL) in front of each."""
    columns = ", ".join([shape.rowid or "NULL", *(quoted(column) for column in shape.columns)])
    rows = connection.execute(f"SELECT {columns} FROM {quoted(shape.name)}")
    return {_key(shape, row): row for row in rows}


def same(one: Row | None, other: Row | None) -> bool:
    """Whether two rows hold exactly the same values; the rowid in front does not count."""
    if one is None or other is None:
        return one is other
    return one[1:] == other[1:] and all(type(a) is type(b) for a, b in zip(one, other, strict=True))


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


def _table_change(
    old: sqlite3.Connection,
    new: sqlite3.Connection,
    had: SchemaObject | None,
    has: SchemaObject | None,
) -> TableChange:
    before = read_shape(old, had.name) if had and had.has_rows else None
    after = read_shape(new, has.name) if has and has.has_rows else None
    removed = read_rows(old, before) if before else {}
    added = read_rows(new, after) if after else {}
    if had != has:
        return TableChange(removed, added, before, after, whole=True)
    kept = {key for key, row in removed.items() if same(row, added.get(key))}
    return TableChange(
        {key: row for key, row in removed.items() if key not in kept},
        {key: row for key, row in added.items() if key not in kept},
        before,
        after,
        whole=False,
    )


def _rowid_name(connection: sqlite3.Connection, table: str, columns: set[str]) -> str | None:
    for name in ("rowid", "_rowid_", "oid"):
        if name not in columns:
            try:
                connection.execute(f"SELECT {name} FROM {quoted(table)} LIMIT 0").close()
            except sqlite3.OperationalError:
                return None
            return name
    return None


def _key(shape: Shape, row: Row) -> Key:
    key = tuple(row[position + 1] for position in shape.key)
    if key and None not in key:
        return key
    if shape.rowid is not None:
        return ("rowid", row[0])
    return row[1:]


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
