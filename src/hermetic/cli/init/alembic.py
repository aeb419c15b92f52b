"""Find the migrations that ``hermetic_schema`` can name: by an ini file of any name, or by ``pyproject.toml``."""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.configuration import parse_toml, table_at
from hermetic.cli.init.sources import Sources, relative
from hermetic.errors import ConfigurationError

NAME = "alembic.ini"
SECTION = "alembic"


@dataclass(frozen=True)
class Migrations:
    """What Alembic is configured by.

    Attributes:
        file: The file that is named.
        sections: Those of an ini file that say where scripts are, where Alembic's own does not.
    """

    file: Path
    sections: tuple[str, ...] = ()

    def lines(self, directory: Path) -> tuple[str, ...]:
        """Return what ``hermetic_schema`` would be in a configuration file of a directory."""
        path = relative(self.file, directory)
        return tuple(f"{path}:{section}" for section in self.sections) or (path,)


def find_migrations(sources: Sources, application: Path | None) -> Migrations | None:
    """Return the migrations nearest to the application, if there are any: a repository may hold those of others.

    Args:
        sources: The project, and what of its repository belongs to it.
        application: The application's module.
    """
    found = [each for path in sources.inis if (each := _of_ini(path))]
    beside = {each.file.parent for each in found if each.file.name == NAME}
    found += [
        Migrations(path) for path in sources.pyprojects if path.parent not in beside and _is_told_in(path)
    ]
    return max(found, key=lambda each: _shared(each.file, application or sources.root), default=None)


def _shared(file: Path, application: Path) -> int:
    """Return how many folders two files have in common."""
    return len(Path(os.path.commonpath([file, application])).parts)


def _of_ini(path: Path) -> Migrations | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="")
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, configparser.Error):
        return Migrations(path) if path.name == NAME else None
    told = tuple(name for name in parser.sections() if parser.has_option(name, "script_location"))
    if not {SECTION, configparser.DEFAULTSECT}.isdisjoint(told) or (not told and path.name == NAME):
        return Migrations(path)
    return Migrations(path, told) if told else None


def _is_told_in(pyproject: Path) -> bool:
    try:
        document = parse_toml(pyproject, pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError, ConfigurationError):
        return False
    return "script_location" in (table_at(document, ("tool", "alembic")) or {})
