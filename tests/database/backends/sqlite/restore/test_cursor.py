"""Tests of what is told from a statement's text."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from hermetic.database.backends.sqlite.restore.cursor import (
    exported_to,
    is_busy_timeout,
    split,
    wanted_by,
)
from hermetic.database.backends.sqlite.restore.database_state import Want


@pytest.mark.parametrize(
    ("sql", "want"),
    [
        ("SELECT 1", "read"),
        ("\n -- a comment; with a semicolon\n /* and; another */ select 1", "read"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "read"),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "write"),
        ("insert into t values (1)", "write"),
        ("DROP TABLE t", "write"),
        ("BEGIN", "nothing"),
        ("BEGIN DEFERRED", "nothing"),
        ("begin immediate", "write"),
        ("BEGIN EXCLUSIVE", "write"),
        ("SAVEPOINT a", "nothing"),
        ("RELEASE a", "commit"),
        ("COMMIT", "commit"),
        ("ROLLBACK", "nothing"),
        ("PRAGMA user_version", "nothing"),
        ("-- nothing else", "nothing"),
        ("", "nothing"),
    ],
)
def test_what_a_statement_wants(sql: str, want: Want) -> None:
    """The first word tells, after comments and in any case."""
    assert wanted_by(sql) == want


def test_a_long_statement_is_told_too() -> None:
    """One that is too long to be remembered is told all the same."""
    assert wanted_by("INSERT INTO t VALUES " + "(1), " * 1000 + "(1)") == "write"


@pytest.mark.parametrize("comment", ["/**/", "/* ; */", "-- a\n", "/***/", ";"])
def test_many_comments_are_read_once(comment: str) -> None:
    """However many there are, whether or not a word follows."""
    assert wanted_by(comment * 10_000 + "INSERT INTO t VALUES (1)") == "write"
    wanted_by(comment * 10_000 + "1")


def test_busy_timeout_is_recognised() -> None:
    """The one pragma that is answered by hermetic is found in any spelling."""
    assert is_busy_timeout("pragma main.BUSY_TIMEOUT = 3")
    assert not is_busy_timeout("SELECT 'PRAGMA busy_timeout'")


@pytest.mark.parametrize(
    "script",
    [
        "",
        ";;",
        "CREATE TABLE t (x);INSERT INTO t VALUES (';');INSERT INTO t VALUES ('last')",
        "CREATE TABLE t (x);CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM t; SELECT 1; END;-- end; of it",
        "BEGIN; CREATE TABLE t (x); /* ; */ COMMIT;\n",
    ],
)
def test_a_split_script_does_the_same(script: str) -> None:
    """Executed one by one, the statements of a script leave what the whole leaves."""
    whole, pieces = sqlite3.connect(":memory:"), sqlite3.connect(":memory:", isolation_level=None)
    whole.executescript(script)
    for statement in split(script):
        pieces.execute(statement)
    assert list(pieces.iterdump()) == list(whole.iterdump())
    whole.close()
    pieces.close()


@pytest.mark.parametrize(
    ("sql", "parameters", "file"),
    [
        ("VACUUM INTO 'it''s.db'", [], "it's.db"),
        ("vacuum main into ?", [("copy.db",)], "copy.db"),
        ("VACUUM INTO :file", [{"file": "copy.db"}], "copy.db"),
        ("VACUUM INTO ?", [], ""),
        ("VACUUM", [], None),
    ],
)
def test_where_a_copy_would_go(sql: str, parameters: list[Any], file: str | None) -> None:
    """The file is in the statement's text or among its parameters; SQLite itself refuses one that is not given."""
    assert exported_to(sql, parameters) == file
