"""What the runs of a project leave, as ``hermetic db`` lists, serves and drops it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hermetic.settings import Settings

FOLDER = Path(".hermetic", "kept")
"""Below the project's root: where files are kept."""


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
