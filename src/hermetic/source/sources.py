"""Find the Python files of a project, and read them, importing none.

`hermetic init` runs in projects whose code connects to production databases when it is imported, so all that it
knows comes from syntax trees. A file that cannot be parsed is named and skipped: one broken script must not keep
a project from being set up.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from hermetic.errors import CommandError
from hermetic.source.modules import Module, Skipped, parse, purpose_of
from hermetic.source.syntax import package_root
from hermetic.source.trees import Trees

PRUNED = frozenset({"node_modules", "__pycache__", "site-packages", "__pypackages__", "build", "dist"})
PYPROJECT = "pyproject.toml"
ENVIRONMENT_MARKERS = ("pyvenv.cfg", "conda-meta")
REPOSITORY_MARKERS = ((".git", ".hg"), (".github", ".gitlab-ci.yml"))
"""What only the top of a repository has; the latter are there in an archive, too."""


@dataclass(frozen=True)
class Sources:
    """What a project consists of.

    Attributes:
        root: The directory that was asked for.
        boundary: The top of the repository, or ``root``: nothing above it is read or written.
        modules: The parsed files by path, in a stable order.
        skipped: The tests and the files of the application that are not valid Python.
        inis: The ini files found, the shallowest first.
        pyprojects: The ``pyproject.toml`` files found, the shallowest first.
        trees: The syntax trees that are there, where bodies are dropped.
    """

    root: Path
    boundary: Path
    modules: Mapping[Path, Module]
    skipped: tuple[Skipped, ...]
    inis: tuple[Path, ...]
    pyprojects: tuple[Path, ...]
    trees: Trees | None = None

    @cached_property
    def by_name(self) -> dict[str, Path]:
        """The parsed files by their path as text: imports are followed by the hundred thousand."""
        return {str(path): path for path in self.modules}

    @cached_property
    def folders_with(self) -> dict[str, set[str]]:
        """The folders, as text, in which there is a module or a folder of a name: where that name can be imported."""
        found: dict[str, set[str]] = defaultdict(set)
        seen = {str(package_root(self.boundary))}
        for path in self.by_name:
            folder, _, name = path.rpartition(os.sep)
            found[name.removesuffix(".py")].add(folder)
            while folder not in seen:
                seen.add(folder)
                folder, _, name = folder.rpartition(os.sep)
                found[name].add(folder)
        return found

    @cached_property
    def imported_by_production(self) -> Counter[str]:
        """How often the application's modules import each name."""
        return Counter(name for module in self.production for name in module.imported)

    @cached_property
    def imported_by_tests(self) -> Counter[str]:
        """How often the tests import each name."""
        return Counter(name for module in self.tests for name in module.imported)

    @property
    def production(self) -> list[Module]:
        """The modules that can be part of the application."""
        return [module for module in self.modules.values() if module.is_production]

    @property
    def tests(self) -> list[Module]:
        """The tests, the conftests and the modules beside them."""
        return [module for module in self.modules.values() if module.is_test]

    def drop_bodies(self) -> None:
        """Drop the bodies of functions, where that is wanted; nobody may have a node of one in hand."""
        if self.trees is not None:
            self.trees.drop_bodies()

    def around(self, directory: Path) -> list[Path]:
        """List the directories that may say something of one: itself, those above it in the repository, the root."""
        above = [place for place in (directory, *directory.parents) if place.is_relative_to(self.boundary)]
        return list(dict.fromkeys([*above, self.root]))


def read_sources(
    directory: Path,
    around: Sources | None = None,
    *,
    apart: Callable[[Path], bool] = lambda directory: False,
    trees: Trees | None = None,
) -> Sources:
    """Parse every Python file below a directory, virtual environments and build output aside.

    Args:
        directory: The project, or a part of a repository.
        around: What was read of the same repository before; what is the same in it is not read again.
        apart: Says which directories are no part of it.
        trees: The syntax trees that are there, where bodies are dropped.

    Returns:
        The parsed modules and the files that were skipped.

    Raises:
        ConfigurationError: The directory does not exist, is not one, or cannot be listed.
    """
    package_root.cache_clear()
    if around is None:
        _listed.cache_clear()
    root = _existing(directory)
    modules: dict[Path, Module] = {}
    skipped: list[Skipped] = []
    others: list[Path] = []
    for path in _files(root, apart):
        if path.suffix != ".py":
            others.append(path)
            continue
        parsed = (around and _known(around, path, root)) or parse(path, path.relative_to(root), trees)
        if isinstance(parsed, Module):
            modules[path] = parsed
        else:
            skipped.append(parsed)
    others.sort(key=lambda path: (len(path.parts), path))
    boundary = around.boundary if around else find_boundary(root)
    return Sources(root, boundary, modules, tuple(skipped), *by_kind(others), trees)


def others_in(directory: Path) -> list[Path]:
    """List the files of a directory that are read beside Python's."""
    found = (directory / name for name in sorted(names_in(directory)) if _is_other(name))
    return [path for path in found if path.is_file()]


def names_in(directory: Path) -> list[str]:
    """Return what lies in a directory, the folders first; nothing where it cannot be listed."""
    _, folders, files = next(os.walk(directory), ("", [], []))
    return [*folders, *files]


def by_kind(others: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the ini files among them, and the ``pyproject.toml``."""
    found = list(others)
    pyprojects = tuple(path for path in found if path.name == PYPROJECT)
    return tuple(path for path in found if path.name != PYPROJECT), pyprojects


def relative(path: Path, start: Path) -> str:
    """Return a path as an ini file names it: relative to ``start``, with forward slashes."""
    return Path(os.path.relpath(path, start)).as_posix()


def find_boundary(root: Path) -> Path:
    """Return the top of the repository that holds ``root``, or ``root`` where there is none."""
    return next(_repositories(root), root)


def in_repository(directory: Path) -> bool:
    """Whether something above a directory, or in it, says that a repository begins there."""
    return next(_repositories(directory), None) is not None


def _repositories(root: Path) -> Iterator[Path]:
    for markers in REPOSITORY_MARKERS:
        for directory in (root, *root.parents):
            if any((directory / marker).exists() for marker in markers):
                yield directory


def _existing(directory: Path) -> Path:
    hint = "give the project's directory; it is the current one when left out"
    if not directory.exists():
        raise CommandError(f"The directory {directory} does not exist.", hints=(hint,))
    if not directory.is_dir():
        raise CommandError(f"{directory} is not a directory.", hints=(hint,))
    try:
        os.listdir(directory)
    except OSError as error:
        raise CommandError(f"The directory {directory} cannot be read.", why=str(error)) from error
    return directory.resolve()


def _files(root: Path, apart: Callable[[Path], bool]) -> Iterator[Path]:
    for here, folders, names in walk(root):
        others = [name for name in folders if apart(here / name)]
        folders[:] = [name for name in folders if name not in others]
        for other in others:
            yield from others_in(here / other)
        for name in names:
            if name.endswith(".py") or _is_other(name):
                yield here / name


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder of a project with the names of the folders and of the files in it, as ``os.walk`` does.

    The names are in order, and those of folders that are pruned are not among them. Each folder is listed once, until a
    project is read anew.
    """
    folders, files = _listed(root)
    inner = list(folders)
    yield root, inner, list(files)
    for name in inner:
        if not (root / name).is_symlink():
            yield from walk(root / name)


@cache
def _listed(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    _, folders, files = next(os.walk(folder), ("", [], []))
    inner = (name for name in sorted(folders) if not is_pruned(folder / name))
    return tuple(inner), tuple(sorted(files))


def _is_other(name: str) -> bool:
    return name.endswith(".ini") or name == PYPROJECT


def is_pruned(directory: Path) -> bool:
    """Whether a directory holds what is not the project's own source: environments, build output, what is hidden.

    Nor is what cannot be read, such as the data of a database server whose container has made the folder.
    """
    name = directory.name
    if name.startswith(".") or name in PRUNED or name.endswith(".egg-info"):
        return True
    return is_environment(directory) or not os.access(directory, os.R_OK | os.X_OK)


def is_environment(directory: Path) -> bool:
    """Whether a directory is a virtual environment; of one that cannot be read nobody knows (`Path.exists` raises)."""
    return any(os.path.exists(directory / marker) for marker in ENVIRONMENT_MARKERS)


def _known(sources: Sources, path: Path, root: Path) -> Module | None:
    module = sources.modules.get(path)
    purpose = purpose_of(path.relative_to(root))
    return module if module and (module.is_test, module.is_production) == purpose else None
