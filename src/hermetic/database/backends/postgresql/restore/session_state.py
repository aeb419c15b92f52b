"""What statements leave behind in a session, where a check-in does not undo it.

``SET``, temporary tables, advisory locks, ``LISTEN``, ``PREPARE`` and cursors WITH HOLD survive a check-in, and a test
that finds them got them from another one. The server tells nobody but the session itself, so the statements are read as
they go by: one look-up in a cache a statement, about a microsecond. A session that was changed so is replaced after the
test, which costs a connect, 2-5 ms, for just the tests that do it. (``RESET ALL`` would also undo what a ``connect``
listener of the application set; ``DISCARD ALL`` would take the statements that asyncpg prepared.)
"""

from __future__ import annotations

import re
from functools import lru_cache

_BLANK = re.compile(r"(?:\s+|--[^\n]*+)*+")
_EDGE = re.compile(r"/\*|\*/")
_FIRST_WORD = re.compile(
    r"(?:SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|RESET\b|LISTEN\b|PREPARE\s+(?!TRANSACTION\b)|LOAD\b"
    r"|DISCARD\b|DECLARE\b.*\bWITH\s+HOLD\b|CREATE\s+(?:(?:GLOBAL|LOCAL)\s+)?(?:OR\s+REPLACE\s+)?TEMP)",
    re.IGNORECASE | re.DOTALL,
)
_ANYWHERE = re.compile(
    r"\bpg_(?:try_)?advisory_lock|\bset_config\s*\((?![^)]*\btrue\s*\))|\bINTO\s+TEMP", re.IGNORECASE
)
_OF_A_DATABASE = re.compile(
    r"(?P<verb>CREATE|DROP)\s+DATABASE\s+(?:IF\s+EXISTS\s+)?(?:\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<plain>[\w$]+))",
    re.IGNORECASE,
)
_OF_A_ROLE = re.compile(
    r"ALTER\s+(?:ROLE|USER)\s+(?!MAPPING\b)(?:\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<plain>[\w$]+))",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def leaves_traces(statement: str) -> bool:
    """Whether a session is not as it was after this statement, whatever its transaction comes to."""
    return bool(_FIRST_WORD.match(statement, _start(statement)) or _ANYWHERE.search(statement))


@lru_cache(maxsize=4096)
def of_a_database(statement: str) -> tuple[str, str] | None:
    """Return what a statement does to a whole database, ``create`` or ``drop``, and the database's name."""
    found = _OF_A_DATABASE.match(statement, _start(statement))
    return (found["verb"].lower(), _name(found)) if found else None


@lru_cache(maxsize=4096)
def of_a_role(statement: str) -> str | None:
    """Return the role that a statement alters, as it names it: ``current_user`` and ``all`` are none."""
    found = _OF_A_ROLE.match(statement, _start(statement))
    return _name(found) if found else None


def _name(found: re.Match[str]) -> str:
    quoted, plain = found["quoted"], found["plain"]
    return quoted.replace('""', '"') if quoted else plain.lower()


def _start(statement: str) -> int:
    """Return where the first word is: behind blanks and comments, which nest. Each is read once, however many."""
    position = _after_blank(statement, 0)
    while statement.startswith("/*", position):
        position = _after_blank(statement, _after_comment(statement, position + 2))
    return position


def _after_blank(statement: str, position: int) -> int:
    found = _BLANK.match(statement, position)
    assert found is not None, "it matches nothing at all, too"
    return found.end()


def _after_comment(statement: str, position: int) -> int:
    depth = 1
    for edge in _EDGE.finditer(statement, position):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(statement)
