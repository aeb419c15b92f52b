"""What a name in a module stands for, told from syntax trees alone.

``Base`` in ``app/models.py`` may be defined there, imported from ``app/db.py``, or re-exported by a package that
star-imports it. Every finder asks the same question, "is this FastAPI's ``FastAPI``, or that ``Base``?", so names are
followed here, once, through the files of the project, up to a definition or to a name of somebody else's package.
"""

from __future__ import annotations

import ast
import copy
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.source.modules import Module
from hermetic.source.sources import Sources
from hermetic.source.syntax import (
    assignments,
    import_target,
    imported_names,
    never_runs,
    package_root,
    statements,
)

# A project may have a folder of one of these names (``core/fastapi/``), and still means the package when it says so.
FOREIGN = frozenset(
    {"fastapi", "pydantic", "pydantic_settings", "pytest", "sqlalchemy", "sqlmodel", "starlette"}
)
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.expr


@dataclass(frozen=True)
class Reference:
    """What a name stands for.

    Attributes:
        file: The project's file that defines it; None for a name of another package.
        name: The name in that file (``Base``, ``Base.metadata``, empty for the module itself), or the full dotted name
            of something outside the project (``fastapi.FastAPI``).
    """

    file: Path | None
    name: str


@dataclass(frozen=True)
class Class:
    """A class of the project, and the file that defines it."""

    file: Path
    definition: ast.ClassDef


@dataclass
class Scope:
    """The names that a module binds.

    Attributes:
        definitions: What is defined at the top level, if/try/with blocks included; the last binding counts.
        imports: Local name to (module, name); the name is empty where the module itself is bound.
        stars: The modules that are star-imported.
    """

    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that it binds, as far as they are known without its star imports."""
        return (*self.definitions, *self.imports)


class Symbols:
    """Resolve names across the modules of a project.

    Args:
        sources: The parsed project.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._scopes: dict[Path, Scope] = {}
        self._looked_up: dict[tuple[Path, str], Reference | None] = {}
        self._imports: dict[Path, tuple[Path, ...]] = {}
        self._located: dict[tuple[Path, str], Path | None] = {}
        self._roots = _search_roots(sources)

    def scope(self, file: Path) -> Scope:
        """Return the names that a file of the project binds."""
        if file not in self._scopes:
            self._scopes[file] = _read_scope(self.sources.modules[file])
        return self._scopes[file]

    def drop_tree(self, file: Path) -> None:
        """Drop a file's tree, with its names, which are nodes of it; it is parsed again for whoever asks."""
        self.sources.modules[file].drop_tree()
        self._scopes.pop(file, None)

    def definition(self, reference: Reference | None) -> Definition | None:
        """Return the syntax of what a reference stands for; None for what lies outside the project."""
        if reference is None or reference.file is None:
            return None
        return self.scope(reference.file).definitions.get(reference.name)

    def resolve(self, file: Path, expression: ast.expr) -> Reference | None:
        """Say what an expression of a file stands for; None when it is not a plain (dotted) name."""
        if isinstance(expression, ast.Name):
            return self.lookup(file, expression.id)
        if not isinstance(expression, ast.Attribute):
            return None
        owner = self.resolve(file, expression.value)
        if owner is None:
            return None
        if owner.file is not None and not owner.name:
            return self._member(owner.file, expression.attr, frozenset())
        return Reference(owner.file, f"{owner.name}.{expression.attr}")

    def lookup(self, file: Path, name: str) -> Reference | None:
        """Say what a name at the top level of a file stands for; None for a builtin or an unknown name."""
        key = file, name
        if key not in self._looked_up:
            self._looked_up[key] = self._lookup(file, name, frozenset())
        return self._looked_up[key]

    def words_for(
        self,
        names: Iterable[str],
        is_one: Callable[[Reference], bool],
        modules: Iterable[Module] | None = None,
    ) -> frozenset[str]:
        """Return the words one of which any module has in its text that uses certain things, under whatever names.

        Args:
            names: How those things are called where they come from.
            is_one: Whether a name that a module binds stands for one of them, or for what is made with one.
            modules: Those that can have such things, or names for them; None for all.
        """
        looked_at = list(self.sources.modules.values() if modules is None else modules)
        words: set[str] = set()
        new = set(names)
        while new:
            words |= new
            mentioning = [module.path for module in looked_at if module.mentions(*new)]
            bound = ((file, name) for file in mentioning for name in self.scope(file).names)
            found = ((name, self.lookup(file, name)) for file, name in bound if name not in words)
            new = {name for name, reference in found if reference is not None and is_one(reference)}
        return frozenset(words)

    def over(self, sources: Sources) -> Symbols:
        """Return the names of the same files, which were told apart anew."""
        other = copy.copy(self)
        other.sources = sources
        return other

    def reached(self, start: Path) -> set[Path]:
        """Return the project's files that importing a file imports, itself and its packages included."""
        return self.reached_from([start])

    def reached_from(self, starts: Iterable[Path]) -> set[Path]:
        """Return the project's files that importing some files imports."""
        return _closure(starts, self._imports_of)

    def reached_when_run(self, start: Path) -> set[Path]:
        """Return the project's files that a file's code can come to: those that its functions import as well."""
        return _closure([start], lambda file: self._located_in(self.sources.modules[file].imports, file))

    def locate(self, dotted: str, importer: Path) -> Path | None:
        """Return the project's file that ``import dotted`` in ``importer`` loads, if it is one of the project's."""
        key = importer, dotted
        if key not in self._located:
            beside = importer.parent, dotted
            if beside not in self._located:
                self._located[beside] = self._search(*beside)
            self._located[key] = self._located[beside]
        return self._located[key]

    def _imports_of(self, file: Path) -> tuple[Path, ...]:
        if file not in self._imports:
            body = [each for each in self.sources.modules[file].tree.body if not never_runs(each)]
            self._imports[file] = self._located_in(statements(body), file)
        return self._imports[file]

    def _located_in(self, nodes: Iterable[ast.AST], file: Path) -> tuple[Path, ...]:
        found = [self.locate(name, file) for name in imported_names(nodes, file)]
        package = self.sources.by_name.get(str(file.parent / "__init__.py"))
        return tuple(path for path in (*found, package) if path is not None)

    def _search(self, directory: Path, dotted: str) -> Path | None:
        top = dotted.partition(".")[0]
        holding = self.sources.folders_with.get(top, ())
        if top in FOREIGN or (top and not holding):
            return None
        for root in (str(package_root(directory)), *self._roots):
            found = module_file(root, dotted, self.sources) if root in holding or not top else None
            if found is not None:
                return found
        return None

    def _lookup(self, file: Path, name: str, seen: frozenset[tuple[Path, str]]) -> Reference | None:
        scope = self.scope(file)
        if name in scope.definitions:
            return Reference(file, name)
        if (file, name) in seen:
            return None
        seen |= {(file, name)}
        if name in scope.imports:
            return self._imported(file, *scope.imports[name], seen)
        for star in scope.stars:
            source = self.locate(star, file)
            found = self._lookup(source, name, seen) if source else None
            if found is not None:
                return found
        return None

    def _imported(
        self, importer: Path, module: str, name: str, seen: frozenset[tuple[Path, str]]
    ) -> Reference | None:
        file = self.locate(module, importer)
        if not name:
            return Reference(file, "") if file else Reference(None, module)
        if file is not None:
            return self._member(file, name, seen)
        submodule = self.locate(f"{module}.{name}", importer)
        return Reference(submodule, "") if submodule else Reference(None, f"{module}.{name}")

    def _member(self, file: Path, name: str, seen: frozenset[tuple[Path, str]]) -> Reference | None:
        found = self._lookup(file, name, seen)
        if found is not None or file.name != "__init__.py":
            return found
        submodule = module_file(str(file.parent), name, self.sources)
        return Reference(submodule, "") if submodule else None


def lineage_of(
    found: Class, symbols: Symbols, seen: frozenset[ast.ClassDef] = frozenset()
) -> Iterator[Class]:
    """Yield a class and those of the project that it inherits from."""
    yield found
    for base in found.definition.bases:
        reference = symbols.resolve(found.file, base)
        definition = symbols.definition(reference)
        if reference and reference.file and isinstance(definition, ast.ClassDef) and definition not in seen:
            inner = Class(reference.file, definition)
            yield from lineage_of(inner, symbols, seen | {found.definition, definition})


def module_file(root: str, dotted: str, sources: Sources) -> Path | None:
    """Return the parsed file that the dotted name has below ``root``."""
    parts = [part for part in dotted.split(".") if part]
    target = os.sep.join((root, *parts))
    found = sources.by_name.get(f"{target}{os.sep}__init__.py")
    return found or (sources.by_name.get(f"{target}.py") if parts else None)


def _closure(starts: Iterable[Path], following: Callable[[Path], Iterable[Path]]) -> set[Path]:
    reached = set(starts)
    waiting = reached
    while waiting:
        waiting = {found for file in waiting for found in following(file)} - reached
        reached |= waiting
    return reached


def _search_roots(sources: Sources) -> list[str]:
    inner = {sources.root, sources.boundary, *(path.parent for path in sources.modules)}
    above = {place for each in inner for place in (each, *each.parents)}
    within = (place for place in above if place.is_relative_to(sources.boundary))
    ordered = sorted(within, key=lambda path: (len(path.parts), path))
    roots: list[Path] = []
    packages: list[Path] = []
    for place in ordered:
        (packages if (place / "__init__.py").exists() else roots).append(place)
    return [str(root) for root in (*roots, *_no_packages(packages, sources))]


def _no_packages(packages: list[Path], sources: Sources) -> list[Path]:
    """Return the tops of projects and ``src`` where nobody imports these by name: what lies in them is imported from
    there, though there is an ``__init__.py``, which is a common accident."""
    tops = [place for place in packages if place in (sources.root, sources.boundary) or place.name == "src"]
    imported = (*sources.imported_by_production, *sources.imported_by_tests) if tops else ()
    named = {name.partition(".")[0] for name in imported}
    return [place for place in tops if place.name not in named]


def _read_scope(module: Module) -> Scope:
    scope = Scope()
    for node in module.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                scope.imports[bound] = (alias.name if alias.asname else bound, "")
        else:
            target = import_target(node, module.path)
            for alias in node.names:
                if alias.name == "*":
                    scope.stars.append(target)
                else:
                    scope.imports[alias.asname or alias.name] = (target, alias.name)
    for statement in statements(module.tree.body):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            scope.definitions[statement.name] = statement
        for name, value in assignments(statement):
            scope.definitions[name] = value
    return scope
