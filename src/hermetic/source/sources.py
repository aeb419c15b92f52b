"""Read the Python files of a project, importing none of them.

`hermetic init` runs in projects whose code connects to production databases when it is imported, so all that it
knows comes from syntax trees. A file that cannot be parsed is named and skipped: one broken script must not keep
a project from being set up.
"""

from __future__ import annotations

import ast
import os
import re
import stat
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeVar, cast

from hermetic.errors import CommandError
from hermetic.source.syntax import nodes_of, package_root, parents_of, statements_of

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

N = TypeVar("N", bound=ast.AST)
WORD = re.compile(r"[^\W\d]\w*", re.ASCII)
PRUNED = frozenset({"node_modules", "__pycache__", "site-packages", "__pypackages__", "build", "dist"})
PYPROJECT = "pyproject.toml"
LARGEST = 4_000_000
"""Bytes: what is larger is data. The largest modules that people write have a tenth of that."""
ENVIRONMENT_MARKERS = ("pyvenv.cfg", "conda-meta")
REPOSITORY_MARKERS = ((".git", ".hg"), (".github", ".gitlab-ci.yml"))
"""What only the top of a repository has; the latter are there in an archive, too."""

TEST_DIRECTORIES = frozenset({"test", "tests"})
ASIDE_DIRECTORIES = frozenset(
    {
        "alembic",
        "benchmarks",
        "doc",
        "docs",
        "docs_src",
        "example",
        "examples",
        "migrations",
        "samples",
        "scripts",
    }
)


@dataclass(frozen=True)
class Module:
    """A Python file.

    Attributes:
        path: The absolute path.
        parsed: Returns its syntax tree, which it keeps.
        text: What is in the file.
        is_test: Whether it is a test, a conftest, or a module beside them.
        is_production: Whether it can be part of the application: neither test, documentation, example nor migration.
    """

    path: Path
    parsed: _lru_cache_wrapper[ast.Module]
    text: bytes
    is_test: bool
    is_production: bool

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return self.parsed()

    def forget(self) -> None:
        """Let the tree go, and what was read from it: of a large project it is most of the memory.

        Whoever asks for it again has the file parsed again, and gets other nodes.
        """
        self.parsed.cache_clear()
        for name in ("nodes", "parents", "imports", "_by_kind", "_statements"):
            self.__dict__.pop(name, None)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree in the order of the text, operators and contexts aside."""
        return tuple(nodes_of(self.tree))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return parents_of(self.nodes)

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[ast.AST]]:
        return _sorted_by_kind(self.nodes)

    @cached_property
    def _statements(self) -> dict[type[ast.AST], list[ast.AST]]:
        return _sorted_by_kind(statements_of(self.tree))

    def of(self, kind: type[N]) -> Sequence[N]:
        """Return the nodes of one kind in the order of the text; each finder looks for a few among very many."""
        found = self._statements if issubclass(kind, ast.stmt) else self._by_kind
        return cast(Sequence[N], found.get(kind, ()))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its text, names among them; to find those takes a tenth of what a walk of the tree takes."""
        return frozenset(WORD.findall(self.text.decode("latin-1")))

    def mentions(self, *words: str) -> bool:
        """Whether one of these words is in the text: a module without them need not be walked."""
        return not self.words.isdisjoint(words)

    @cached_property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """Its import statements, those in functions included."""
        found: list[ast.Import | ast.ImportFrom] = [*self.of(ast.Import), *self.of(ast.ImportFrom)]
        return tuple(sorted(found, key=lambda node: (node.lineno, node.col_offset)))

    @cached_property
    def imported(self) -> tuple[str, ...]:
        """The absolute dotted names that it imports, ``from`` imports with and without the last part."""
        names: list[str] = []
        for node in self.imports:
            if isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif not node.level and node.module:
                names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        return tuple(names)


def _sorted_by_kind(nodes: Iterable[ast.AST]) -> dict[type[ast.AST], list[ast.AST]]:
    found: dict[type[ast.AST], list[ast.AST]] = {}
    for node in nodes:
        found.setdefault(type(node), []).append(node)
    return found


@dataclass(frozen=True)
class Place:
    """A line of the project that a finder is about."""

    file: Path
    line: int


@dataclass(frozen=True)
class Skipped:
    """A file that could not be read as Python, and why."""

    path: Path
    reason: str


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
    """

    root: Path
    boundary: Path
    modules: Mapping[Path, Module]
    skipped: tuple[Skipped, ...]
    inis: tuple[Path, ...]
    pyprojects: tuple[Path, ...]

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

    def around(self, directory: Path) -> list[Path]:
        """List the directories that may say something of one: itself, those above it in the repository, the root."""
        above = [place for place in (directory, *directory.parents) if place.is_relative_to(self.boundary)]
        return list(dict.fromkeys([*above, self.root]))


def read_sources(
    directory: Path, around: Sources | None = None, *, apart: Callable[[Path], bool] = lambda directory: False
) -> Sources:
    """Parse every Python file below a directory, virtual environments and build output aside.

    Args:
        directory: The project, or a part of a repository.
        around: What was read of the same repository before; what is the same in it is not read again.
        apart: Says which directories are no part of it.

    Returns:
        The parsed modules and the files that were skipped.

    Raises:
        ConfigurationError: The directory does not exist, is not one, or cannot be listed.
    """
    package_root.cache_clear()
    root = _existing(directory)
    modules: dict[Path, Module] = {}
    skipped: list[Skipped] = []
    others: list[Path] = []
    for path in _files(root, apart):
        if path.suffix != ".py":
            others.append(path)
            continue
        parsed = (around and _known(around, path, root)) or parse(path, path.relative_to(root))
        if isinstance(parsed, Module):
            modules[path] = parsed
        else:
            skipped.append(parsed)
    others.sort(key=lambda path: (len(path.parts), path))
    boundary = around.boundary if around else find_boundary(root)
    return Sources(root, boundary, modules, tuple(skipped), *by_kind(others))


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


def is_test_path(relative: PurePath) -> bool:
    """Whether a path, relative to the project, is a test, a conftest, or lies in a directory of tests."""
    name = relative.name
    named = name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py")
    return named or not TEST_DIRECTORIES.isdisjoint(relative.parts[:-1])


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
    for parent, directories, names in os.walk(root):
        inner = [path for path in sorted(Path(parent, name) for name in directories) if not is_pruned(path)]
        others = [path for path in inner if apart(path)]
        directories[:] = [path.name for path in inner if path not in others]
        for other in others:
            yield from others_in(other)
        for name in sorted(names):
            if name.endswith(".py") or _is_other(name):
                yield Path(parent, name)


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


def parse(path: Path, relative: PurePath) -> Module | Skipped:
    """Parse a file, or say why that cannot be done.

    What is neither a test nor the application's is parsed when something asks for it: migrations are by the hundred.

    Args:
        path: The file.
        relative: Its path in the project, whose folders tell what it is for.
    """
    is_test, is_production = purpose_of(relative)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return Skipped(path, "not a file")
        if found.st_size > LARGEST:
            return Skipped(path, f"{found.st_size / 1e6:.0f} MB, too large for a module")
        text = path.read_bytes()
        is_aside = not (is_test or is_production)
        parsed = cache(partial(_tree_aside if is_aside else _tree_of, text, path))
        if not is_aside:
            parsed()
    except SyntaxError as error:
        return Skipped(path, f"line {error.lineno or 1}: {error.msg}")
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return Skipped(path, str(error))
    return Module(path, parsed, text, is_test, is_production)


def edited(module: Module, text: bytes) -> Module:
    """Return a module with another text.

    Raises:
        SyntaxError: It is not Python.
        ValueError: Nor can it be read as such: it has null bytes.
    """
    parsed = cache(partial(_tree_of, text, module.path))
    parsed()
    return replace(module, parsed=parsed, text=text)


def _tree_of(text: bytes, path: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in the user's code is not ours to report
        return ast.parse(text, filename=str(path))


def _tree_aside(text: bytes, path: Path) -> ast.Module:
    """Return the tree of what is no part of the project; where it is not Python, an empty one: nobody need know."""
    try:
        return _tree_of(text, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def purpose_of(relative: PurePath) -> tuple[bool, bool]:
    """Say whether a path in the project is a test's, and whether it can be a part of the application."""
    is_test = is_test_path(relative)
    is_aside = not ASIDE_DIRECTORIES.isdisjoint(relative.parts[:-1])
    return is_test, not is_test and not is_aside


def _known(sources: Sources, path: Path, root: Path) -> Module | None:
    module = sources.modules.get(path)
    purpose = purpose_of(path.relative_to(root))
    return module if module and (module.is_test, module.is_production) == purpose else None
