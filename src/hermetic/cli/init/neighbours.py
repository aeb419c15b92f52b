"""Read what a project imports from elsewhere in its repository: the other packages of a workspace, shared folders.

Models often lie in a package beside the application's. Only what is imported is read, so that a repository of a
thousand services costs what one of them does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hermetic.cli.init.sources import Module, Skipped, Sources, by_kind, is_pruned, names_in, others_in, parse
from hermetic.cli.init.symbols import FOREIGN, Symbols
from hermetic.cli.init.syntax import imported_names, package_root

DEPTH = 3
"""How many folders below the top of a repository its packages are looked for."""

PACKAGES = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})


def with_neighbours(sources: Sources) -> Sources:
    """Return the sources of a project with those modules of its repository that it imports, and that these import."""
    reader = _Neighbours(sources)
    reader.read()
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

    def read(self) -> None:
        """Read all that is imported, directly or by what is."""
        waiting = list(self._sources.modules.values()) if self._roots else []
        while waiting:
            for path in self._imported(waiting.pop()):
                parsed = parse(path, path.relative_to(self._sources.boundary))
                if isinstance(parsed, Module):
                    self.modules[path] = parsed
                    waiting.append(parsed)
                else:
                    self.skipped[path] = parsed

    def _imported(self, module: Module) -> Iterator[Path]:
        """Yield the files, not read yet, that importing what a module names would load."""
        names = dict.fromkeys(name.strip(".") for name in imported_names(module.imports, module.path))
        outside = (name for name in names if name and not self._is_inside(name, module.path))
        for name in outside:
            for path in self._files(name, module.path):
                if not any(path in known for known in (self._sources.modules, self.modules, self.skipped)):
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
    for parent, directories, names in os.walk(sources.boundary):
        here = Path(parent)
        depth = len(here.relative_to(sources.boundary).parts)
        directories[:] = sorted(name for name in directories if depth < DEPTH and not is_pruned(here / name))
        if not PACKAGES.isdisjoint(names) and here not in (sources.boundary, sources.root):
            yield from ((root, here) for root in (here / "src", here) if root.is_dir())
