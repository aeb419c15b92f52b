"""Find the project that a directory belongs to, so that the answer is the same from each of its folders.

A project is what one run of pytest is for: the nearest folder above an application that has a configuration file or
requirements of its own, and tests. ``backend/``, ``backend/app/`` and the repository around them lead to the same one,
and what lies beside it in the repository counts as far as it is imported: ``packages/models/`` of a workspace does,
another service does not.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hermetic.cli.init.application import Application, find_applications
from hermetic.cli.init.configuration import NAMES, parse_toml, read_configuration, table_at
from hermetic.cli.init.neighbours import with_neighbours
from hermetic.cli.init.requirements import read_loosely
from hermetic.cli.init.roots import find_root
from hermetic.cli.init.sources import TEST_DIRECTORIES, Sources, is_pruned, is_test_path, read_sources
from hermetic.cli.init.symbols import Symbols
from hermetic.errors import ConfigurationError


def read_project(directory: Path) -> Symbols:
    """Read the project to which a directory belongs, or which it holds, and return its names.

    Args:
        directory: Any folder of it, or of the repository around it.

    Raises:
        ConfigurationError: The directory cannot be read, or a configuration file on the way up cannot.
    """
    sources = read_sources(directory)
    symbols = Symbols(sources)
    found = applications_in(symbols, sources.root)
    while not found and sources.root != sources.boundary and not _is_project(sources.root):
        sources = read_sources(sources.root.parent, sources)
        symbols = Symbols(sources)
        found = applications_in(symbols, sources.root)
    home = _home_of(found[0], sources) if found else sources.root
    inside = set(found[0].file.parents) if found else set()
    whole = with_neighbours(
        read_sources(home, sources, apart=lambda place: place not in inside and _is_apart(place, home))
    )
    is_same = (whole.root, whole.modules) == (sources.root, sources.modules)
    return symbols.over(whole) if is_same else Symbols(whole)


def applications_in(symbols: Symbols, directory: Path) -> list[Application]:
    """List the applications of a project itself, the likeliest first; those beside it where it has none.

    Args:
        symbols: The project's names.
        directory: The folder that was asked for, whose applications go before others of the project.
    """
    found = find_applications(symbols, _entrypoint(symbols.sources), directory.resolve())
    own = [app for app in found if app.file.is_relative_to(symbols.sources.root)]
    return own or found


def _entrypoint(sources: Sources) -> str:
    """Return the application that ``fastapi run`` serves, if a pyproject.toml names it."""
    for path in sources.pyprojects:
        with suppress(ConfigurationError):
            table = table_at(parse_toml(path, read_loosely(path)), ("tool", "fastapi")) or {}
            if "entrypoint" in table:
                return str(table["entrypoint"])
    return ""


def _home_of(application: Application, sources: Sources) -> Path:
    """Return the directory from which the tests of an application are run.

    Raises:
        ConfigurationError: A configuration file on the way up cannot be read or parsed.
    """
    root = find_root(application.file, sources)
    above = [place for place in application.file.parents if place.is_relative_to(sources.boundary)]
    homes = [
        place
        for place in above
        if place == sources.boundary
        or _has_configuration(place)
        or (_has_requirements(place) and root is not None and root.directory in (place, place / "src"))
    ]
    return next((place for place in homes if _has_tests(place)), homes[0])


def _is_project(directory: Path) -> bool:
    """Whether what lies in a directory is run by itself, told by the files beside it; a folder of tests is not."""
    if directory.name in TEST_DIRECTORIES:
        return False
    return _has_requirements(directory) or _has_configuration(directory)


def _has_configuration(directory: Path) -> bool:
    """Whether a directory has a file from which pytest reads its settings, or into which they would go."""
    return any((directory / name).is_file() and read_configuration(directory / name) for name in NAMES)


def _has_requirements(directory: Path) -> bool:
    is_package = (directory / "__init__.py").exists()  # which may have a module that is called setup
    named = ("Pipfile",) if is_package else ("Pipfile", "setup.py")
    return any((directory / name).is_file() for name in named) or any(directory.glob("requirements*.txt"))


def _has_tests(project: Path) -> bool:
    """Whether a project has tests, those of projects inside it aside."""
    for parent, directories, names in os.walk(project):
        here = Path(parent)
        directories[:] = [name for name in directories if not _is_apart(here / name, project)]
        if any(name.endswith(".py") and is_test_path((here / name).relative_to(project)) for name in names):
            return True
    return False


def _is_apart(directory: Path, project: Path) -> bool:
    """Whether a directory of a project is none of its own: built, installed, or a project in itself."""
    if not TEST_DIRECTORIES.isdisjoint(directory.relative_to(project).parts):
        return is_pruned(directory)
    try:
        return is_pruned(directory) or _is_project(directory)
    except ConfigurationError:
        return True
