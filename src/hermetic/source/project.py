"""Find the project that a directory belongs to, so that the answer is the same from each of its folders.

A project is what one run of pytest is for: the nearest folder above an application that has a configuration file or
requirements of its own, and tests. ``backend/``, ``backend/app/`` and the repository around them lead to the same one,
and what lies beside it in the repository counts as far as it is imported: ``packages/models/`` of a workspace does,
another service does not. So a repository of a thousand services costs what one of them does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hermetic.code import TEST_FOLDERS, is_test_path
from hermetic.errors import ConfigurationError
from hermetic.source.applications import Application, find_applications
from hermetic.source.configuration import NAMES, find_configuration, parse_toml, read_configuration, table_at
from hermetic.source.modules import Module, Skipped, parse
from hermetic.source.requirements import read_loosely
from hermetic.source.roots import find_root
from hermetic.source.sources import Sources, by_kind, is_pruned, names_in, others_in, read_sources, walk
from hermetic.source.suite_modules import named_plugins
from hermetic.source.symbols import FOREIGN, Symbols
from hermetic.source.syntax import imported_names, package_root
from hermetic.source.trees import Trees


def read_project(directory: Path, trees: Trees | None = None) -> Symbols:
    """Read the project to which a directory belongs, or which it holds, and return its names.

    Args:
        directory: Any folder of it, or of the repository around it.
        trees: The syntax trees that are there, where bodies are dropped; None where they stay.

    Raises:
        ConfigurationError: The directory cannot be read, or a configuration file on the way up cannot.
    """
    sources = read_sources(directory, trees=trees)
    symbols = Symbols(sources)
    found = applications_in(symbols, sources.root)
    while not found and sources.root != sources.boundary and not is_project(sources.root):
        sources = read_sources(sources.root.parent, sources, trees=trees)
        symbols = Symbols(sources)
        found = applications_in(symbols, sources.root)
    home = _home_of(found[0], sources) if found else sources.root
    inside = set(found[0].file.parents) if found else set()
    own = read_sources(
        home,
        sources,
        apart=lambda place: place not in inside and _is_apart(place, home),
        trees=trees,
    )
    whole = with_neighbours(own, named_plugins(find_configuration(home, own.boundary)))
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


def is_project(directory: Path) -> bool:
    """Whether what lies in a directory is run by itself, told by the files beside it; a folder of tests is not.

    Raises:
        ConfigurationError: A configuration file in it cannot be read or parsed.
    """
    if directory.name in TEST_FOLDERS:
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
    for here, folders, names in walk(project):
        folders[:] = [name for name in folders if not _is_apart(here / name, project)]
        if any(name.endswith(".py") and is_test_path((here / name).relative_to(project)) for name in names):
            return True
    return False


def _is_apart(directory: Path, project: Path) -> bool:
    """Whether a directory of a project is none of its own: built, installed, or a project in itself."""
    if not TEST_FOLDERS.isdisjoint(directory.relative_to(project).parts):
        return is_pruned(directory)
    try:
        return is_pruned(directory) or is_project(directory)
    except ConfigurationError:
        return True


def other_projects(directory: Path, sources: Sources, counts: Callable[[Path], bool]) -> list[Path]:
    """List the folders below a directory that are projects of their own, and were not read with this one.

    Args:
        directory: The folder that was asked for.
        sources: What was read.
        counts: Whether a Python file makes the project it is of count.
    """
    known = {*sources.modules, *(each.path for each in sources.skipped)}
    found: dict[Path, None] = {}
    for here, _, names in walk(directory):
        for file in (here / name for name in names if name.endswith(".py")):
            if file not in known and counts(file):
                found[_project_of(file, directory)] = None
    return list(found)


def _project_of(file: Path, directory: Path) -> Path:
    above = [place for place in file.parents if place.is_relative_to(directory)]
    with suppress(ConfigurationError):
        return next((place for place in above if is_project(place)), file.parent)
    return file.parent


DEPTH = 3
"""How many folders below the top of a repository its packages are looked for."""

PACKAGES = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})


def with_neighbours(sources: Sources, plugins: Iterable[str] = ()) -> Sources:
    """Return the sources of a project with those modules of its repository that it imports, and that these import.

    Args:
        sources: The project's own.
        plugins: The modules that the configuration has pytest import.
    """
    reader = _Neighbours(sources)
    reader.read(plugins)
    others = [
        path for place in [*sources.around(sources.root)[1:], *reader.packages] for path in others_in(place)
    ]
    inis, pyprojects = by_kind(others)
    return replace(
        sources,
        modules={**sources.modules, **reader.modules},
        skipped=(*sources.skipped, *reader.skipped.values()),
        inis=(*sources.inis, *inis),
        pyprojects=(*sources.pyprojects, *pyprojects),
    )


class _Neighbours:
    """Follows the imports of a project into the rest of its repository.

    Attributes:
        modules: What was read, by path.
        skipped: What is not Python, by path.
        packages: The directories of the packages of which something was read.
    """

    def __init__(self, sources: Sources) -> None:
        self.modules: dict[Path, Module] = {}
        self.skipped: dict[Path, Skipped] = {}
        self.packages: dict[Path, None] = {}
        self._sources = sources
        self._symbols = Symbols(sources)
        self._roots = dict(_import_roots(sources))
        self._names = {root: frozenset(names_in(root)) for root in self._roots}

    def read(self, plugins: Iterable[str]) -> None:
        """Read all that is imported, directly or by what is."""
        waiting = list(self._sources.modules.values()) if self._roots else []
        waiting += self._read(plugins, self._sources.root / "conftest.py") if self._roots else []
        while waiting:
            module = waiting.pop()
            waiting += self._read(imported_names(module.imports, module.path), module.path)

    def _read(self, names: Iterable[str], importer: Path) -> Iterator[Module]:
        """Read the files, not read yet, that importing names would load, and yield those that are Python."""
        for path in self._imported(names, importer):
            parsed = parse(path, path.relative_to(self._sources.boundary), self._sources.trees)
            if isinstance(parsed, Module):
                self.modules[path] = parsed
                yield parsed
            else:
                self.skipped[path] = parsed

    def _imported(self, names: Iterable[str], importer: Path) -> Iterator[Path]:
        """Yield the files, not read yet, that importing names would load."""
        for name in dict.fromkeys(name.strip(".") for name in names):
            if name and not self._is_inside(name, importer):
                for path in self._files(name, importer):
                    if not any(
                        path in known for known in (self._sources.modules, self.modules, self.skipped)
                    ):
                        yield path

    def _is_inside(self, name: str, importer: Path) -> bool:
        """Whether a name, or a package around it, is the project's own or nobody's in the repository."""
        top, *rest = name.split(".")
        if top in FOREIGN or top in sys.stdlib_module_names:
            return True
        return any(
            self._symbols.locate(".".join([top, *rest[:count]]), importer) for count in range(len(rest) + 1)
        )

    def _files(self, name: str, importer: Path) -> list[Path]:
        """Return the file of a module, those of the packages around it first; none where no package has it."""
        parts = name.split(".")
        for root in (package_root(importer.parent), *self._roots_of(parts[0])):
            place = root.joinpath(*parts)
            for file in (place / "__init__.py", place.with_name(f"{parts[-1]}.py")):
                if file.is_file():
                    self.packages[self._roots.get(root, root)] = None
                    around = (root.joinpath(*parts[:count], "__init__.py") for count in range(1, len(parts)))
                    return [*(path for path in around if path.is_file()), file]
        return []

    def _roots_of(self, top: str) -> Iterator[Path]:
        for root, names in self._names.items():
            if top in names or f"{top}.py" in names:
                yield root


def _import_roots(sources: Sources) -> Iterator[tuple[Path, Path]]:
    """Yield where imports of the repository's other packages start, and the package's directory."""
    if sources.root != sources.boundary:
        yield sources.boundary, sources.boundary
    for here, folders, names in walk(sources.boundary):
        if len(here.relative_to(sources.boundary).parts) >= DEPTH:
            folders.clear()
        if not PACKAGES.isdisjoint(names) and here not in (sources.boundary, sources.root):
            yield from ((root, here) for root in (here / "src", here) if root.is_dir())
