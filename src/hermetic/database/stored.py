"""What the runs of a project leave: databases of failed tests, templates, servers; ``hermetic db`` lists and drops it.

A kept PostgreSQL database of an embedded server is copied into memory at the start of each later run, 8 MB at least; so
a test has one, its latest, and a project ``LIMIT``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hermetic.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import URL

FOLDER = Path(".hermetic", "kept")
"""Below the project's root: where files are kept."""

PREFIX = "hermetic_k_"
"""What the names of kept databases begin with."""

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


@dataclass(frozen=True)
class Project:
    """A project that uses hermetic.

    Attributes:
        root: Its root, as pytest has it.
        settings: Its settings.
    """

    root: Path
    settings: Settings

    @property
    def kept(self) -> Path:
        """Where copies of files are."""
        return self.root / FOLDER

    @property
    def directory(self) -> Path | None:
        """Where its runs have their directories, if it says so."""
        return self.root / self.settings.directory if self.settings.directory else None

    @property
    def serves(self) -> str:
        """What a server of 'hermetic db start' says of itself."""
        return f"hermetic db start {self.root}"


@dataclass(frozen=True)
class Entry:
    """A database.

    Attributes:
        name: Its name, or its path.
        owner: Its role; empty where there is none.
        size: In bytes.
        note: What is noted of it.
    """

    name: str
    owner: str
    size: int
    note: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """A server of a run.

    Attributes:
        home: The run's directory.
        process: The one that made it.
        label: Who runs, as it said itself.
    """

    home: Path
    process: int
    label: str


@dataclass(frozen=True)
class Stored:
    """What there is of a project.

    Attributes:
        templates: Databases with schema and seed rows.
        kept: Databases of failed tests that 'hermetic db start' serves.
        files: Those that are files, and need no server.
    """

    templates: list[Entry] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    files: list[Entry] = field(default_factory=list)


class Serving(Protocol):
    """Kept databases that are served.

    Attributes:
        ends: Whether the server goes with whoever started it: then somebody has to stay.
    """

    ends: bool

    def lines(self) -> list[str]:
        """Start it, and return the URL of each database and what to type to look at the latest one.

        Raises:
            ConfigurationError: There is none, or the server does not start.
        """

    def stop(self) -> None:
        """Let go of the server."""
