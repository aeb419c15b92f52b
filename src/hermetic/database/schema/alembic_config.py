"""Where a project's migrations lie, in every form in which Alembic is told that.

Alembic reads a relative path from the folder in which its command runs, and no file tells which one that is: it is the
one from which ``env.py`` is found. Every path is made absolute here, so that a build needs no working folder, and
``config`` is as the command would have it, its command line included.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic.errors import ConfigurationError, MissingDependency, SchemaError

if TYPE_CHECKING:
    from alembic.config import Config

NAMED = re.compile(r"(?P<file>.+\.(?:ini|toml))(?::(?P<section>[^:/\\]+))?")
"""What a line of ``hermetic_schema`` is that names migrations: a file, and a section in place of ``[alembic]``."""

SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
LEGACY = {"version_locations": ", *| +", "prepend_sys_path": ", *| +|:"}
"""How lists of paths are split where no separator is named."""


@dataclass(frozen=True)
class Migrations:
    """The migrations that a line of ``hermetic_schema`` names.

    Attributes:
        file: An ``alembic.ini``, whatever its name, or a ``pyproject.toml``.
        root: The project's folder.
        section: The section of the ini file, as of ``alembic --name``.
    """

    file: Path
    root: Path
    section: str = "alembic"

    def config(self) -> Config:
        """Return a configuration as the command ``alembic upgrade heads`` would make it, its paths made absolute.

        Raises:
            ConfigurationError: Alembic is missing, or too old for the file, or told of no scripts.
        """
        found = self._read()
        location = str(_option(found, "script_location") or "")
        if not location:
            raise self._without_location(found)
        relative, places = _paths(found, "prepend_sys_path"), _paths(found, "version_locations")
        base = self._base(f"{location}{os.sep}env.py", places, relative)
        entries = [str(base / entry) for entry in relative]
        sys.path[:0] = [entry for entry in entries if entry not in sys.path]
        versions = [self._absolute(place, base) for place in places]
        _set(found, "script_location", [self._absolute(location, base)])
        _set(found, "prepend_sys_path", entries)
        _set(found, "version_locations", versions)
        found.set_main_option("path_separator", "os")
        found.set_main_option("version_path_separator", "os")
        return found

    def places(self) -> list[Path]:
        """Return where the scripts lie, and the files that tell that."""
        config = self.config()
        files = [config.config_file_name, getattr(config, "toml_file_name", None)]
        folders = [str(_option(config, "script_location")), *_paths(config, "version_locations")]
        return [Path(name) for name in (*files, *folders) if name]

    def _read(self) -> Config:
        try:
            from alembic.config import CommandLine, Config
        except ModuleNotFoundError:
            raise MissingDependency(
                f"hermetic_schema = {self.file.name} needs Alembic, which is not installed.",
                hints=("pip install alembic",),
            ) from None
        options = CommandLine().parser.parse_args(["--name", self.section, "upgrade", "heads"])
        ini, toml = self._ini_and_toml()
        knows_toml = "toml_file" in inspect.signature(Config).parameters
        if toml == self.file and not knows_toml:
            raise MissingDependency(
                f"hermetic_schema = {self.file.name}: the Alembic that is installed reads no {self.file.name}.",
                hints=("pip install 'alembic>=1.16'",),
            )
        further: dict[str, Any] = {"toml_file": toml} if toml and knows_toml else {}
        return Config(ini and str(ini), ini_section=self.section, cmd_opts=options, **further)

    def _ini_and_toml(self) -> tuple[Path | None, Path | None]:
        """Alembic reads both, each beside the other."""
        if self.file.suffix == ".toml":
            ini = self.file.parent / "alembic.ini"
            return ini if ini.is_file() else None, self.file
        beside = [folder / "pyproject.toml" for folder in (self.file.parent, self.root)]
        return self.file, next((toml for toml in beside if toml.is_file()), None)

    def _base(self, env: str, versions: list[str], entries: list[str]) -> Path:
        """Return the folder in which the command is run: the nearest one from which everything is found."""
        above = [folder for folder in self.file.parent.parents if folder.is_relative_to(self.root)]
        bases = [self.file.parent, *above, self.root]
        for wanted in ([env, *versions], [env]):
            for base in bases:
                if all(_is_there(place, base, entries) for place in wanted):
                    return base
        return self.file.parent

    def _absolute(self, place: str, base: Path) -> str:
        """Return where a path, or a folder of a package (``shop:migrations``), lies."""
        from alembic.util import coerce_resource_to_filename

        if ":" not in place or Path(place).is_absolute():
            return str(base / place)
        try:
            return os.path.abspath(coerce_resource_to_filename(place))
        except (ImportError, OSError, TypeError, ValueError) as error:
            raise SchemaError(
                f"hermetic_schema = {self.file.name}: {place!r} is not found: {error}",
                why=f"{place.partition(':')[0]!r} is a package to import, and the rest a folder in it.",
                hints=("is the package on the import path? In the ini file of pytest: pythonpath = .",),
            ) from error

    def _without_location(self, config: Config) -> ConfigurationError:
        has = [
            name for name in config.file_config.sections() if config.file_config[name].get("script_location")
        ]
        hints = [f"hermetic_schema = {self.file.name}:{name}" for name in has]
        return SchemaError(
            f"hermetic_schema = {self.file.name} does not say where the migrations are.",
            why=f"There is no script_location in [{self.section}], nor in [tool.alembic] of a pyproject.toml.",
            hints=tuple(hints) or ("name the file that the command alembic reads",),
        )


def _is_there(place: str, base: Path, entries: list[str]) -> bool:
    """Whether a path, or one in a package, is found where the command is run in ``base``."""
    package, colon, rest = place.partition(":")
    if not colon or Path(place).is_absolute():
        return (base / place).exists()
    inside = Path(*package.split("."), *rest.split(":"))
    return any((base / entry / inside).exists() for entry in entries or ["."])


def _option(config: Config, name: str) -> str | list[str] | None:
    """Return an option of the ini file or, of an Alembic that reads it, of ``pyproject.toml``."""
    read = getattr(config, "get_alembic_option", config.get_main_option)
    found: str | list[str] | None = read(name)
    return found


def _paths(config: Config, name: str) -> list[str]:
    """Return an option that is a list of paths."""
    found = _option(config, name) or []
    if isinstance(found, list):
        return found
    separators = ["path_separator", "version_path_separator"]
    named = [config.get_main_option(each) for each in separators[: 1 if name == "prepend_sys_path" else 2]]
    separator = next((each for each in named if each is not None), None)
    if separator is not None and separator not in SEPARATORS:
        raise SchemaError(
            f"{config.config_file_name}: path_separator = {separator!r} is none that Alembic knows.",
            hints=(f"use one of: {', '.join(SEPARATORS)}",),
        )
    pattern = LEGACY[name] if separator is None else re.escape(SEPARATORS[separator])
    return [path.strip() for path in re.split(pattern, found) if path.strip()]


def _set(config: Config, name: str, paths: list[str]) -> None:
    if paths:
        config.set_main_option(name, os.pathsep.join(paths).replace("%", "%%"))
