"""Find the file from which pytest would read its configuration, and what it holds.

pytest takes the first file that has a section for it, walking up from where it is started, in the order of ``_read``;
failing that it settles on the first ``pyproject.toml``, into which the section then belongs. ini files are read with
``iniconfig``, which is what pytest reads them with: ``configparser`` disagrees on comments and duplicates.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import iniconfig

from hermetic.errors import CommandError, ConfigurationError

NAMES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
BOM = "\ufeff"
Table = dict[str, object]


@dataclass(frozen=True)
class Configuration:
    """Where pytest's settings are, or go.

    Attributes:
        path: The file, which may not exist yet.
        section: The section (``("pytest",)``, ``("tool:pytest",)``) or the TOML table (``("tool", "pytest")``).
        text: The file's text as it is, line endings and byte order mark included; None when there is no file.
        values: What the section sets now.
        native: Whether values are typed by TOML (pytest 9's tables), so that lists must be arrays.
        document: The whole parsed ``pyproject.toml``; empty for other files.
        outranked: Files that have settings for pytest too and are not read beside this one, here and above.
    """

    path: Path
    section: tuple[str, ...]
    text: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    native: bool = False
    document: Mapping[str, object] = field(default_factory=dict)
    outranked: tuple[Path, ...] = ()

    @property
    def is_toml(self) -> bool:
        """Whether the file is TOML."""
        return self.path.suffix == ".toml"

    def strings(self, key: str) -> list[str]:
        """Return a setting of several paths or words as a list; empty when it is not set."""
        value = self.values.get(key, "")
        if isinstance(value, list):
            return [str(item) for item in value]
        try:
            return shlex.split(str(value))
        except ValueError:
            return [str(value)]

    def lines(self, key: str) -> list[str]:
        """Return a setting of one value a line as a list; empty when it is not set."""
        value = self.values.get(key, "")
        return [str(item) for item in value] if isinstance(value, list) else str(value).splitlines()


def find_configuration(root: Path, boundary: Path) -> Configuration:
    """Return the configuration that ``pytest``, started in ``root``, reads.

    Args:
        root: Where pytest is started.
        boundary: The top of the repository; files above it are left alone, whoever they belong to.

    Raises:
        ConfigurationError: A file on the way cannot be read or parsed, as pytest itself would say.
    """
    pyproject: Configuration | None = None
    directories = [directory for directory in (root, *root.parents) if directory.is_relative_to(boundary)]
    places = [directory / name for directory in directories for name in NAMES]
    for index, path in enumerate(places):
        found = read_configuration(path) if path.is_file() else None
        if found is not None and not _is_bare(found):
            return replace(found, outranked=tuple(filter(_has_settings, places[index + 1 :])))
        pyproject = pyproject or found
    return pyproject or Configuration(root / "pytest.ini", ("pytest",))


def _has_settings(path: Path) -> bool:
    """Whether a file that pytest does not look into has settings for it; one that it could not read has none."""
    try:
        found = read_configuration(path) if path.is_file() else None
    except ConfigurationError:
        return False
    return found is not None and bool(found.values)


def read_configuration(path: Path) -> Configuration | None:
    """Read a file in which pytest's settings may be.

    Returns:
        The configuration; None where the file has no section for pytest and is none of pytest's own.

    Raises:
        ConfigurationError: The file cannot be read or parsed.
    """
    text = _read_text(path)
    if path.suffix == ".toml":
        return _read_toml(path, text)
    sections = parse_ini(path, text)
    section = "tool:pytest" if path.name == "setup.cfg" else "pytest"
    if path.name == "setup.cfg" and "pytest" in sections and section not in sections:
        raise CommandError(
            f"{path} has a section [pytest], which pytest refuses in a setup.cfg.",
            hints=("rename the section to [tool:pytest]",),
        )
    if section not in sections and path.name not in ("pytest.ini", ".pytest.ini"):
        return None
    return Configuration(path, (section,), text, dict(sections.get(section, {})))


def parse_ini(path: Path, text: str) -> dict[str, dict[str, str]]:
    """Parse ini text as pytest does.

    Raises:
        ConfigurationError: It is malformed.
    """
    plain = text.removeprefix(BOM).replace("\r\n", "\n").replace("\r", "\n")
    try:
        parsed = iniconfig.IniConfig(str(path), data=plain)
    except iniconfig.ParseError as error:
        raise CommandError(f"{path} cannot be parsed.", why=str(error)) from error
    return {name: dict(values) for name, values in parsed.sections.items()}


def parse_toml(path: Path, text: str) -> Table:
    """Parse TOML text.

    Raises:
        ConfigurationError: It is malformed.
    """
    try:
        return tomllib.loads(text.removeprefix(BOM))
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"{path} cannot be parsed.", why=str(error)) from error


def table_at(document: Mapping[str, object], names: tuple[str, ...]) -> Table | None:
    """Return the table at a path of keys, or None where something else or nothing is there."""
    found: object = document
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else None


def _read_toml(path: Path, text: str) -> Configuration:
    document = parse_toml(path, text)
    if path.name != "pyproject.toml":
        values = table_at(document, ("pytest",)) or {}
        return Configuration(path, ("pytest",), text, values, native=True)
    whole = table_at(document, ("tool", "pytest")) or {}
    options = table_at(document, ("tool", "pytest", "ini_options"))
    native = {key: value for key, value in whole.items() if key != "ini_options"}
    if native and options:
        raise CommandError(
            f"{path} has both [tool.pytest] and [tool.pytest.ini_options], which pytest refuses.",
            hints=("move the settings of one of the two tables into the other",),
        )
    if native:
        return Configuration(path, ("tool", "pytest"), text, native, native=True, document=document)
    section = ("tool", "pytest", "ini_options")
    return Configuration(path, section, text, options or {}, document=document)


def _is_bare(configuration: Configuration) -> bool:
    """Whether this is a ``pyproject.toml`` that says nothing to pytest."""
    if configuration.path.name != "pyproject.toml" or configuration.native:
        return False
    return table_at(configuration.document, configuration.section) is None


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path} is not UTF-8, the encoding in which pytest reads it.",
            why=str(error),
            hints=("save the file as UTF-8",),
        ) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be read.", why=str(error)) from error
