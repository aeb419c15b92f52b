"""Databases of failed tests that stay to be looked at: their names, and how many there may be.

A kept PostgreSQL database of an embedded server is copied into memory at the start of each later run, 8 MB at least; so
a test has one, its latest, and a project ``LIMIT``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import URL

PREFIX = "hermetic_k_"
LIMIT = 20
LONGEST = 40


class NotKept(Exception):
    """A database could not be kept; the text says why. Nobody sees it raised: a test's report gets the text."""


@dataclass(frozen=True)
class Kept:
    """A database that was kept.

    Attributes:
        name: What it is called where it is.
        url: Where it is reached.
        how: What else there is to say of how to get there.
    """

    name: str
    url: URL
    how: str = ""


def kept_name(test: str) -> str:
    """Return a name of its own for the database of a test; both backends take it."""
    words = re.sub(r"[^a-z0-9]+", "_", test.rpartition("::")[2].lower()).strip("_")
    return f"{PREFIX}{words[:LONGEST].rstrip('_')}_{secrets.token_hex(3)}"


def noted(test: str, project: str) -> dict[str, str]:
    """Return what is noted of a kept database."""
    return {"test": test, "project": project, "kept": datetime.now().astimezone().isoformat(" ", "seconds")}


def room_for(test: str, notes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return which of the project's kept databases make room for that of a test: those of its earlier failures.

    Args:
        test: The test.
        notes: What is noted of each kept database, by its name.

    Raises:
        NotKept: The others are as many as may be.
    """
    earlier = [name for name, note in notes.items() if note.get("test") == test]
    if len(notes) - len(earlier) >= LIMIT:
        raise NotKept(f"{LIMIT} databases of failed tests are kept already; 'hermetic db clean' drops them")
    return earlier
