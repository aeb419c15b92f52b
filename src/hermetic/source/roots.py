"""Find the directory from which a module is imported, and so its dotted name.

``backend/app/main.py`` may be ``main``, ``app.main`` or ``backend.app.main``: it depends on what is on ``sys.path``
when the application runs. ``__init__.py`` files do not tell (namespace packages have none, and ``src/__init__.py`` is a
common accident), but the application's own imports do: the name under which its modules import each other is the one
under which they must be imported, else each is loaded twice, as two modules with two sets of tables.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from hermetic.source.sources import Sources
from hermetic.source.symbols import FOREIGN, module_file
from hermetic.source.syntax import package_root

ELSEWHERE = sys.stdlib_module_names | FOREIGN
"""What is never a module of the project."""


@dataclass(frozen=True)
class ImportRoot:
    """Where imports of the application start.

    Attributes:
        directory: What must be on ``sys.path``.
    """

    directory: Path

    def dotted(self, file: Path) -> str | None:
        """Return the dotted name of a file, or None where it has none below this directory."""
        if not file.is_relative_to(self.directory):
            return None
        parts = list(file.relative_to(self.directory).with_suffix("").parts)
        if parts[-1] == "__init__":
            del parts[-1]
        return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None

    def target(self, file: Path, name: str) -> str:
        """Return ``module:name`` for a name of a file that has a dotted name here."""
        return f"{self.dotted(file)}:{name}"


def find_root(file: Path, sources: Sources, configured: Iterable[Path] = ()) -> ImportRoot | None:
    """Choose the import root of an application's module.

    Args:
        file: The module with the application.
        sources: The project.
        configured: The directories that ``pythonpath`` already holds; they win where imports do not tell.

    Returns:
        The root that most of the application's own imports need, else the one that the tests' imports need, else a
        configured one, else the directory above the top package; None when no root gives an importable name.
    """
    candidates = [root for root in _candidates(file, sources) if root.dotted(file)]
    if not candidates:
        return None
    ready = set(configured)
    default = package_root(file.parent)

    def rank(root: ImportRoot) -> tuple[int, int, bool, bool]:
        return (
            _votes(root, file, sources, sources.imported_by_production),
            _votes(root, file, sources, sources.imported_by_tests),
            root.directory in ready,
            root.directory == default,
        )

    return max(candidates, key=rank)


def is_installed(root: ImportRoot, file: Path) -> bool:
    """Whether the environment of this command imports the application from ``root`` anyway (an editable install).

    Finding the spec of a top-level name runs none of its code. The current directory does not count where it is first
    on ``sys.path``: ``python -m`` puts it there, and ``pytest``, unlike ``python -m pytest``, does not. What an
    installation has added comes later.
    """
    top = (root.dotted(file) or "").partition(".")[0]
    if not top:
        return False
    importlib.invalidate_caches()
    spec = next(filter(None, _specs(top)), None)
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin or ""]
    return any(Path(place).resolve().parent == root.directory for place in places if place)


def _specs(top: str) -> Iterator[ModuleSpec | None]:
    """Yield what each of the interpreter's finders says of a name."""
    first = Path(sys.path[0] if sys.path else "").resolve()
    path = sys.path[1:] if first == Path.cwd().resolve() else sys.path
    for finder in sys.meta_path:
        with suppress(ImportError, ValueError):
            yield finder.find_spec(top, path if finder is PathFinder else None)


def _candidates(file: Path, sources: Sources) -> list[ImportRoot]:
    return [ImportRoot(directory) for directory in file.parents if directory.is_relative_to(sources.boundary)]


def _votes(root: ImportRoot, file: Path, sources: Sources, imported: Counter[str]) -> int:
    """Count the imports that name a module of the application's top package, seen from ``root``."""
    top, _, rest = (root.dotted(file) or "").partition(".")
    directory = str(root.directory)
    votes = 0
    for name, count in imported.items():
        first = name.partition(".")[0]
        related = first == top if rest else first not in ELSEWHERE
        if related and module_file(directory, name, sources):
            votes += count
    return votes
