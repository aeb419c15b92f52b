"""What a template's contents depend on."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DDL, Column, Integer, MetaData, Table, Text, event, make_url

from hermetic.database.schema import inputs


def test_a_function_lies_where_it_is_named_and_where_it_is_made(package: Path) -> None:
    """With some arguments given, wrapped, or an object that can be called; a library's counts by its version."""
    (package / "made_p.py").write_text(
        "class Seed:\n    def __call__(self, session): ...\n\n\ndef seed(session, count): ...\n"
    )
    (package / "named_p.py").write_text(
        "from contextlib import contextmanager\nfrom functools import partial\nfrom made_p import Seed, seed\n"
        "part, called, wrapped = partial(partial(seed), count=2), Seed(), contextmanager(seed)\n"
    )
    named = importlib.import_module("named_p")
    both = [package / "named_p.py", package / "made_p.py"]
    for name in ("seed", "part", "called", "wrapped"):
        assert inputs.of_function(f"named_p:{name}", getattr(named, name)) == both
    assert inputs.of_function("named_p:partial", named.partial) == [package / "named_p.py"]


@pytest.mark.parametrize(("url", "counts"), [("sqlite:////a.db", True), ("postgresql://host/a", False)])
def test_a_table_s_options_count_on_their_backend(url: str, counts: bool) -> None:
    """What a MetaData makes is told in the words of the database that is filled."""

    def told(**options: Any) -> list[str]:
        metadata = MetaData()
        Table("t", metadata, Column("id", Integer, primary_key=True), **options)
        return list(inputs.of_metadata(metadata, make_url(url)))

    assert (told() != told(sqlite_autoincrement=True)) is counts


def test_indexes_are_told_in_one_order() -> None:
    """A table keeps them in a set, so that no process made them in the order of another one."""
    metadata = MetaData()
    names = [f"c{number}" for number in range(8)]
    columns = [Column(name, Integer, index=True) for name in names]
    Table("t", metadata, Column("id", Integer, primary_key=True), *columns)
    table, *indexes = inputs.of_metadata(metadata, make_url("sqlite://"))
    assert "CREATE TABLE t" in table
    assert [text.split()[2] for text in indexes] == [f"ix_t_{name}" for name in names]


def test_what_listeners_write_counts() -> None:
    """DDL and rows that come with a table."""

    def told(name: str) -> list[str]:
        metadata = MetaData()
        table = Table("t", metadata, Column("name", Text))
        event.listen(table, "after_create", DDL("CREATE VIEW v AS SELECT 1"))  # type: ignore[no-untyped-call]
        event.listen(table, "after_create", lambda t, c, **_: c.execute(t.insert().values(name=name)))
        event.listen(table, "after_create", lambda t, c, **_: c.execute(t.insert(), [{"name": "of all"}]))
        return list(inputs.of_metadata(metadata, make_url("sqlite://")))

    assert [name in "".join(told("ada")) for name in ("VIEW", "ada", "of all")] == [True] * 3
    assert told("ada") != told("bob")
