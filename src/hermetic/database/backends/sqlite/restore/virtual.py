"""Virtual tables: what they show is compared, not how they keep it.

A full-text index keeps its rows in tables of its own, *shadow tables*, and spreads each of them over blocks that the
next row changes again; so of two fixtures that wrote one such table each had changed the other's blocks. The rows that
it shows are each one's own, and bring its index along when they are written.

An FTS table whose texts lie in another table (``content=``) follows from that one, and is built again from it, where it
was in step with it. One that keeps no texts at all cannot be read: its shadow tables are compared, as those of every
module that is not known here.
"""

from __future__ import annotations

import re

_FTS = ("segments", "segdir", "stat", "content", "docsize")
SHADOWS = {
    "fts3": _FTS,
    "fts4": _FTS,
    "fts5": ("data", "idx", "content", "docsize"),  # and config, which has what was set by hand
    "rtree": ("node", "parent", "rowid"),
    "rtree_i32": ("node", "parent", "rowid"),
}
_MODULE = re.compile(r"\bUSING\s+[\"'`\[]?(\w+)", re.IGNORECASE)
_CONTENT = re.compile(r"\bcontent\s*=\s*(?P<quote>[\"'`\[]?)(?P<table>[^\"'`\],)]*)", re.IGNORECASE)
_NOT_ALL_SHOWN = re.compile(r"\b(?:languageid|compress|uncompress)\s*=", re.IGNORECASE)


def shows_rows(sql: str) -> bool:
    """Whether the rows that a virtual table shows are all that it is."""
    return _shadows_of(sql) != () and _CONTENT.search(sql) is None and _NOT_ALL_SHOWN.search(sql) is None


def follows_content(sql: str) -> bool:
    """Whether a virtual table is an index of another table's rows, and can be built again from them."""
    found = _CONTENT.search(sql)
    return _shadows_of(sql) != () and found is not None and bool(found["table"].strip())


def shadows(name: str, sql: str) -> list[str]:
    """Return the names of the tables in which a virtual table keeps its rows."""
    return [f"{name}_{suffix}" for suffix in _shadows_of(sql)]


def integrity_check(sql: str) -> str:
    """Return columns and values whose insertion fails where an index has other rows than the table that it indexes."""
    return (
        "({0}, rank) VALUES ('integrity-check', 1)"
        if _module(sql) == "fts5"
        else "({0}) VALUES ('integrity-check')"
    )


def _module(sql: str) -> str:
    found = _MODULE.search(sql)
    return found[1].lower() if found else ""


def _shadows_of(sql: str) -> tuple[str, ...]:
    return SHADOWS.get(_module(sql), ())
