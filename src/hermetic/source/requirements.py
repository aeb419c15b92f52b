"""What a project requires: the files in which dependencies are declared, and which version of a package it runs with.

A setting that a package does not know is a warning at best. What installed, locked and pinned versions say may disagree
(a lock file that nobody installed from, a virtual environment of last year), so each answer is kept with the file that
gives it, and whoever asks decides by the oldest.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "tox.ini")
PATTERNS = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in")


def read_requirements(directories: Iterable[Path]) -> str:
    """Return the text of the files in which dependencies are declared."""
    return "\n".join(
        read_loosely(path)
        for directory in dict.fromkeys(directories)
        for path in requirement_files(directory)
    )


def requirement_files(directory: Path) -> list[Path]:
    """List the files of a directory in which dependencies may be declared; not all of them need exist."""
    found = (path for pattern in PATTERNS for path in sorted(directory.glob(pattern)))
    return [*(directory / name for name in FILES), *found]


def read_loosely(path: Path) -> str:
    """Return a file's text, whatever its encoding; empty where there is none or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def installed_version(distribution: str) -> str:
    """Return the version of a distribution where this command runs; empty where it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


ENVIRONMENTS = (".venv", "venv", "env")
ACTIVATED = ("VIRTUAL_ENV", "CONDA_PREFIX")
SITES = ("lib/python*/site-packages", "lib/python*/dist-packages", "Lib/site-packages")
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
CLAUSE = re.compile(r"(\^|~=|~|===?|<=?|>=?|!=)?\s*v?(\d+(?:\.\d+)*)(\.\*)?")
TABLE = re.compile(r"^(?=\[)", re.MULTILINE)
Release = tuple[int, ...]


@dataclass(frozen=True)
class Bound:
    """What one place says of a package's version.

    Attributes:
        text: The version, or the clause that limits it: ``0.21.2``, ``>=0.21,<0.22``.
        file: The file or the directory that says so; None for what is installed where this command runs.
    """

    text: str
    file: Path | None

    def allows(self, least: Release) -> bool:
        """Whether the version can be ``least`` or later."""
        return all(_allows(clause, least) for clause in self._clauses())

    def demands(self, least: Release) -> bool:
        """Whether the version must be ``least`` or later."""
        return any(_demands(clause, least) for clause in self._clauses())

    @property
    def shown(self) -> str:
        """The version and where that is said, for a message: ``0.28.1 (uv.lock)``."""
        return f"{self.text} ({self.file.name})" if self.file is not None else self.text

    @property
    def is_limit(self) -> bool:
        """Whether it says anything of versions at all."""
        return any(True for _ in self._clauses())

    def _clauses(self) -> Iterator[re.Match[str]]:
        found = (CLAUSE.match(part.strip()) for part in self.text.split(","))
        return (clause for clause in found if clause is not None)


def find_bounds(package: str, directories: Iterable[Path], installed: Callable[[str], str]) -> list[Bound]:
    """List what is known of the version: what is installed, and what is locked or, failing that, pinned.

    Args:
        package: The distribution, with dashes.
        directories: Where the project's environment, lock files and requirements are looked for, the nearest first.
        installed: Returns the version of a distribution where this command runs; empty where there is none.
    """
    places = list(dict.fromkeys(directories))
    own = installed_bounds(package, places)
    here = installed(package)
    locked = locked_bounds(package, places)
    pinned = [] if locked else [bound for place in places for bound in _pinned(place, package)]
    return [*(own or ([Bound(here, None)] if here else [])), *locked, *pinned]


def locked_bounds(package: str, directories: Iterable[Path]) -> list[Bound]:
    """Return what the nearest lock file that has a package says of its version; several where it has forks."""
    return next((bounds for place in directories if (bounds := list(_locked(place, package)))), [])


def pinned_bounds(package: str, directories: Iterable[Path]) -> list[Bound]:
    """Return the limits that the nearest requirements which limit a package set."""
    return next((bounds for place in directories if (bounds := list(_pinned(place, package)))), [])


def installed_bounds(package: str, directories: Iterable[Path]) -> list[Bound]:
    """Return what is installed in the virtual environments that lie in some directories."""
    environments = (directory / name for directory in directories for name in ENVIRONMENTS)
    return [bound for environment in environments for bound in bounds_in(environment, package)]


def activated_environment(environ: Mapping[str, str], started_in: Path, project: Path) -> Path | None:
    """Return the environment that is activated where a command is started in a project; None elsewhere.

    Args:
        environ: The variables of this process.
        started_in: Where the command was started.
        project: The top of the project's repository.
    """
    activated = next((environ[name] for name in ACTIVATED if environ.get(name)), "")
    return Path(activated) if activated and started_in.is_relative_to(project) else None


def bounds_in(environment: Path, package: str) -> Iterator[Bound]:
    """Yield the version of a package in an environment, whatever the case of its name there."""
    for folder in SITES:
        for found in sorted(environment.glob(f"{folder}/*.dist-info")):
            name, _, version = found.name.removesuffix(".dist-info").partition("-")
            if name.replace("_", "-").lower() == package:
                yield Bound(version, environment)


def _locked(directory: Path, package: str) -> Iterator[Bound]:
    """Yield what lock files say; of TOML only the tables that name the package are parsed, for all take long."""
    for name in LOCKS:
        text = read_loosely(directory / name)
        is_json = name == "Pipfile.lock"
        for part in [text] if is_json else TABLE.split(text):
            if package in part:
                with suppress(ValueError):
                    found = json.loads(part) if is_json else tomllib.loads(part)
                    yield from (Bound(version, directory / name) for version in _versions(found, package))


def _versions(lock: object, package: str) -> Iterator[str]:
    """Yield the versions that a lock file has of a package, whatever it calls its lists of packages."""
    tables = lock.values() if isinstance(lock, dict) else ()
    for table in tables:
        if isinstance(table, list):
            for entry in table:
                if isinstance(entry, dict) and entry.get("name") == package and "version" in entry:
                    yield str(entry["version"])
        elif isinstance(table, dict):
            entry = table.get(package)
            if isinstance(entry, dict) and "version" in entry:
                yield str(entry["version"])


def _pinned(directory: Path, package: str) -> Iterator[Bound]:
    """Yield the limits that requirements set, in the forms of pip, Poetry and pipenv."""
    name = re.escape(package).replace(r"\-", "[-_.]")
    pattern = re.compile(
        rf"""(?<![\w.-]){name}(?![\w.-])\s*(?:\[[^\]\n]*\])?["']?\s*"""
        r"""(?:=\s*(?:\{[^}\n]*?version\s*=\s*)?["'])?\s*\(?([^"';#\n\])}]*)""",
        re.IGNORECASE,
    )
    for path in requirement_files(directory):
        for line in read_loosely(path).splitlines():
            for match in pattern.finditer(line if not line.lstrip().startswith("#") else ""):
                if CLAUSE.search(match[1]):
                    yield Bound(match[1].strip(), path)


def _allows(clause: re.Match[str], least: Release) -> bool:
    """Whether one clause leaves room for ``least`` or a later version."""
    operator, number = clause[1], tuple(map(int, clause[2].split(".")))
    if operator in (">", ">=", "!="):
        return True
    if operator == "<":
        return _trimmed(number) > least
    if operator == "~=":
        return _next(number[:-1]) > least
    if operator == "~":
        return _next(number[:2]) > least
    if operator == "^":
        significant = next((place for place, part in enumerate(number) if part), len(number) - 1)
        return _next(number[: significant + 1]) > least
    return _next(number) > least if clause[3] else number >= least


def _demands(clause: re.Match[str], least: Release) -> bool:
    """Whether one clause leaves no room for a version before ``least``."""
    operator, number = clause[1], tuple(map(int, clause[2].split(".")))
    return operator not in ("<", "<=", "!=") and number >= _trimmed(least)


def _next(number: Release) -> Release:
    return (*number[:-1], number[-1] + 1)


def _trimmed(number: Release) -> Release:
    """Return a release without the zeros at its end, so that 0.26.0 is not later than 0.26."""
    while number and not number[-1]:
        number = number[:-1]
    return number
