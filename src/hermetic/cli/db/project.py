"""Whose databases are meant: the project whose configuration pytest, started in a directory, would read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from hermetic.database.backends.postgresql.server import Instance, choose
from hermetic.database.backends.postgresql.server.binaries import Binaries
from hermetic.database.backends.postgresql.server.choose import locate
from hermetic.database.backends.postgresql.server.places import project_cache
from hermetic.database.kept import FOLDER
from hermetic.errors import CommandError, ConfigurationError
from hermetic.settings import Settings, parse
from hermetic.source.configuration import find_configuration
from hermetic.source.sources import find_boundary


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
        """Where copies of SQLite files are."""
        return self.root / FOLDER

    @property
    def directory(self) -> Path | None:
        """Where its runs have their directories, if it says so."""
        return self.root / self.settings.directory if self.settings.directory else None

    @property
    def serves(self) -> str:
        """What a server of 'hermetic db start' says of itself."""
        return f"hermetic db start {self.root}"

    def located(self) -> URL | Binaries | None:
        """Return the server's URL or programs; None for a project that has no use for them.

        Raises:
            ConfigurationError: The project names PostgreSQL, and there is none.
        """
        try:
            return locate(self.settings.postgresql or "auto")
        except ConfigurationError:
            if self.settings.postgresql or self.settings.database == "postgresql":
                raise
            return None

    def cluster(self) -> Path | None:
        """Return where its own server's data is kept, if it is."""
        found = self.located()
        path = project_cache(self.root, found.path) if isinstance(found, Binaries) else None
        return path if path is not None and path.exists() else None

    def instance(self) -> Instance | None:
        """Return the server that has the project's databases; None where there is none."""
        if not isinstance(self.located(), URL) and self.cluster() is None:
            return None
        setting = self.settings.postgresql or "auto"
        return choose(setting, project=self.root, label=f"hermetic db {self.root}", directory=self.directory)


def read_project(directory: Path) -> Project:
    """Read a project's settings.

    Args:
        directory: The project's, or one below it.

    Raises:
        ConfigurationError: There is no such directory, or a setting is wrong.
    """
    here = Path(os.path.abspath(directory))
    if not here.is_dir():
        raise CommandError(
            f"{here} is not a directory.", hints=("hermetic db ACTION [DIR]: DIR is the project's directory",)
        )
    configuration = find_configuration(here, find_boundary(here))
    values = {
        key: [str(item) for item in value] if isinstance(value, list) else str(value)
        for key, value in configuration.values.items()
    }
    return Project(configuration.path.parent, parse(values, ini_source=configuration.path.name))
