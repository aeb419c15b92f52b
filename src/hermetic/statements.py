"""What a statement writes, by how it begins."""

from __future__ import annotations

import re
from typing import NamedTuple

from hermetic.events.database import Statement

VERBS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REPLACE", "MERGE")
LOOKED_AT = 6
"""So many characters of a statement tell enough while tests pass."""

READING = ("SELECT", "select")
"""How most statements begin of which nothing matters longer than their test."""

WORDS = frozenset(f"{verb} "[:LOOKED_AT] for verb in (*VERBS, "DROP TABLE"))
"""How a statement begins that writes or drops tables, as ``beginning_of`` says it."""

_WRITE = re.compile(
    rf"\s*({'|'.join(VERBS)})\s+(?:OR\s+\w+\s+)?(?:INTO\s+|FROM\s+|TABLE\s+)?(?:ONLY\s+)?"
    r"([\w.\"`\[\]]+)",
    re.IGNORECASE,
)
_EMPTIES = re.compile(
    r"\s*(?:DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?|TRUNCATE\s+(?:TABLE\s+)?|DELETE\s+FROM\s+(?!.*\b(?:WHERE|USING|LIMIT)\b))"
    r"(.+)",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(r"(?:^|,)\s*(?:ONLY\s+)?([\w.\"`\[\]]+)", re.IGNORECASE)
_PARAMETER = r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^,]+)"
"""Compiled once a test fails: this module is imported in each run."""


class Write(NamedTuple):
    """A statement that wrote.

    Attributes:
        test: The name of the test that did, itself or by a request; empty of what outlives one.
        verb: ``"INSERT"``, ``"UPDATE"`` and so on.
        table: The table's name, without its schema.
        rows: How many rows; less than 1 where the driver did not say.
        parameters: Its parameters, as they were told.
        engine: The URL of its engine.
    """

    test: str
    verb: str
    table: str
    rows: int
    parameters: str
    engine: str


def beginning_of(text: str) -> str:
    """Return how a statement begins, in capitals, as far as it is looked at while tests pass."""
    return text.lstrip()[:LOOKED_AT].upper()


def written(event: Statement) -> Write | None:
    """Return what a statement wrote; None where it only read."""
    found = _WRITE.match(event.text)
    if found is None:
        return None
    test, table = event.owner.test, table_name(found[2])
    name = "" if test is None else test.name
    return Write(name, found[1].upper(), table, event.rows, event.parameters, event.engine)


def names_table(text: str, table: str) -> bool:
    """Whether a statement, or what was said of it, has the name of a table as a word."""
    return re.search(rf"\b{re.escape(table)}\b", text, re.IGNORECASE) is not None


def emptied(event: Statement) -> frozenset[str]:
    """Return the tables that a statement, or several in one, drops or leaves without a row."""
    found = filter(None, map(_EMPTIES.match, event.text.split(";")))
    return frozenset(table_name(name) for each in found for name in _NAMES.findall(each[1]))


def parameters_of(told: str) -> dict[str, str]:
    """Return the parameters of a statement that are known, as they are shown, by the names of their columns."""
    return {name: text.strip() for name, text in re.findall(_PARAMETER, told)}


def table_name(table: str) -> str:
    """Return a table's name as a statement writes it, without its schema and its quotes."""
    return table.rpartition(".")[2].strip('"`[]').lower()
