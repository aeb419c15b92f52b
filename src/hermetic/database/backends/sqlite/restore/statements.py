"""What a statement wants of SQLite's locks, told from its first word.

SQLite itself knows exactly, but says it to C callers only. The first word is enough, for the answer decides who is
woken first and who is named, never what is executed. An application's statements are few, so that most answers are
remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from sqlite3 import complete_statement
from typing import Any, Literal

Want = Literal["nothing", "read", "write", "commit", "export"]

_WORDS = re.compile(r"(?:\s|--[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/|;)*+([A-Za-z]+)(?:\s+([A-Za-z]+))?")
_WRITES_IN_WITH = re.compile(r"\b(?:insert|update|delete|replace)\b", re.IGNORECASE)
_EXPORT = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|;)*VACUUM\b[^']*?\bINTO\s+(?:'(?P<file>(?:[^']|'')*)'|)",
    re.IGNORECASE | re.DOTALL,
)
_BUSY_TIMEOUT = re.compile(r"\s*pragma\s+(?:\w+\.)?busy_timeout\b", re.IGNORECASE)

_WANTS: dict[str, Want] = {
    "SELECT": "read",
    "VALUES": "read",
    "EXPLAIN": "read",
    "PRAGMA": "nothing",
    "BEGIN": "nothing",
    "SAVEPOINT": "nothing",
    "ROLLBACK": "nothing",
    "COMMIT": "commit",
    "END": "commit",
    "RELEASE": "commit",
}


def wanted_by(sql: str) -> Want:
    """Tell what a statement wants: to read, to write, to commit, or no lock that outlives it."""
    return _remembered(sql) if len(sql) < 2_000 else _wanted_by(sql)


def _wanted_by(sql: str) -> Want:
    words = _WORDS.match(sql)
    if words is None:
        return "nothing"
    first, second = words.group(1).upper(), (words.group(2) or "").upper()
    if first == "BEGIN" and second in ("IMMEDIATE", "EXCLUSIVE"):
        return "write"
    if first == "VACUUM" and _EXPORT.match(sql):
        return "export"
    if first == "WITH":
        return "write" if _WRITES_IN_WITH.search(sql) else "read"
    return _WANTS.get(first, "write")


_remembered = lru_cache(maxsize=512)(_wanted_by)


def exported_to(sql: str, parameters: Sequence[Any]) -> str | None:
    """Return the file that a statement would make of the database; None where it is no ``VACUUM INTO``."""
    found = _EXPORT.match(sql)
    if found is None:
        return None
    literal = found.group("file")
    if literal is not None:
        return str(literal).replace("''", "'")
    named = parameters[0] if parameters else ()
    values = list(named.values()) if isinstance(named, Mapping) else list(named)
    return str(values[0]) if values else ""


def is_busy_timeout(sql: str) -> bool:
    """Whether a statement reads or sets ``PRAGMA busy_timeout``."""
    return _BUSY_TIMEOUT.match(sql) is not None


def split(script: str) -> Iterator[str]:
    """Split a script into its statements, as ``sqlite3.Cursor.executescript`` does."""
    begun = ""
    for piece in script.split(";"):
        begun += piece
        if not complete_statement(begun + ";"):
            begun += ";"
            continue
        if begun.strip():
            yield begun
        begun = ""
    if begun.strip(" \t\r\n;"):
        yield begun.removesuffix(";")
