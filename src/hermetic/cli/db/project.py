"""Whose databases are meant: the project whose configuration pytest, started in a directory, would read."""

from __future__ import annotations

import os
from pathlib import Path

from hermetic.database.stored import Project
from hermetic.errors import CommandError
from hermetic.settings import parse
from hermetic.source.configuration import find_configuration
from hermetic.source.sources import find_boundary


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
