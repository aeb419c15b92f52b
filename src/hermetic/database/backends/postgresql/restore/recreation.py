"""Making the worker database anew, where what was done to its schema cannot be undone in place.

It becomes a copy of its *origin*: the template, or a copy of its own that was taken when a wider fixture had changed
the schema. Rows that belong to the baseline and came after the origin was copied (a module's catalogue) are carried
over: they lie in hermetic's own tables, which no ``DROP TABLE`` of a test reaches. Tables keep their numbers in copies;
those that were made again since (``sql/remaking.sql``) have another here than in the origin: they are known by name.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hermetic.database.backends.postgresql.restore.administration import Administration

WHOLE = ("sequences", "moves", "deltas", "drift", "views")
NUMBERED = (("sequences", "seqid"), ("moves", "seqid"), ("deltas", "relid"), ("drift", "relid"))
"""Columns of these that hold the numbers of tables and sequences that may have been made again."""

NUMBERS = "SELECT name, relid FROM pg_hermetic.tables UNION ALL SELECT name, seqid FROM pg_hermetic.sequences"


def carry_over(source: Administration, target: Administration, relids: Collection[int]) -> None:
    """Bring the baseline's rows of some tables from one database into a copy of its origin, which is then dirty.

    Args:
        source: The database that is about to be dropped.
        target: The new one.
        relids: The tables whose baseline is not the origin's.
    """
    there = _other_numbers(source, target)
    for table in WHOLE:
        target.run(f"TRUNCATE pg_hermetic.{table}")
        _copy(source, target, f"pg_hermetic.{table}")
    for table, column in NUMBERED:
        for old, new in there.items():
            target.run(f"UPDATE pg_hermetic.{table} SET {column} = {new} WHERE {column} = {old}")
    here = {new: old for old, new in there.items()}
    for old in relids:
        relid = there.get(old, old)
        target.run(f"TRUNCATE pg_hermetic.s{relid}")
        _copy(source, target, f"pg_hermetic.s{old}", f"pg_hermetic.s{relid}")
        target.run(
            f"UPDATE pg_hermetic.tables SET filled = EXISTS (SELECT FROM pg_hermetic.s{relid}) WHERE relid = {relid};"
            f"INSERT INTO pg_hermetic.dirty VALUES ({relid}, true)"
        )
    # What does not fit has no rows here: its table was changed since, and they lie in the baseline of before.
    for change, relid in target.all("SELECT change, relid FROM pg_hermetic.deltas WHERE fits"):
        name = f"d{change}_{relid}"
        target.run(f"DROP TABLE IF EXISTS pg_hermetic.{name}")
        target.run(
            f"CREATE UNLOGGED TABLE pg_hermetic.{name} AS SELECT '-'::text AS hermetic_side, ''::text AS hermetic_row,"
            f" 1::bigint AS hermetic_nth, s.* FROM pg_hermetic.s{relid} s WITH NO DATA"
        )
        columns = f"({', '.join(_columns(target, name))})"
        kept = f"d{change}_{here.get(relid, relid)}"
        _copy(source, target, f"pg_hermetic.{kept} {columns}", f"pg_hermetic.{name} {columns}")


def _other_numbers(source: Administration, target: Administration) -> dict[int, int]:
    """Return the numbers of what has another in the target, by those in the source."""
    numbers = dict(target.all(NUMBERS))
    return {
        number: numbers[name] for name, number in source.all(NUMBERS) if numbers.get(name, number) != number
    }


def _columns(administration: Administration, table: str) -> list[str]:
    rows = administration.all(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        [f"{administration.schema}.{table}"],
    )
    return [row[0] for row in rows]


def _copy(source: Administration, target: Administration, table: str, into: str = "") -> None:
    reading: Any = f"COPY {table} TO STDOUT (FORMAT binary)".replace("pg_hermetic", source.schema)
    writing: Any = f"COPY {into or table} FROM STDIN (FORMAT binary)".replace("pg_hermetic", target.schema)
    with (
        source.connection.cursor() as reader,
        target.connection.cursor() as writer,
        reader.copy(reading) as rows,
        writer.copy(writing) as sink,
    ):
        for block in rows:
            sink.write(block)
