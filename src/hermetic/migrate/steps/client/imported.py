"""Which names a file imports then: those that come, and those that nobody needs any more."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hermetic.migrate.imports import Wanted, added_imports, replaced_imports
from hermetic.migrate.steps.client.editing import Editing, NoRewriteError
from hermetic.migrate.text import Edit
from hermetic.source.symbols import Symbols


class Imports:
    """What the rewritten code of a file needs.

    Args:
        file: The file.
        symbols: The project's names.
        shared: What tests import from each other, by the file and the name.
    """

    def __init__(self, file: Path, symbols: Symbols, shared: frozenset[tuple[Path, str]]) -> None:
        self._file = file
        self._shared = shared
        self._module = symbols.sources.modules[file]
        self._scope = symbols.scope(file)
        self._wanted: dict[Wanted, None] = {}
        self._instead: dict[str, dict[Wanted, None]] = defaultdict(dict)
        self._kept: set[str] = set()
        self._beside: dict[str, dict[Wanted, None]] = defaultdict(dict)

    def name(self, module: str, name: str = "") -> str:
        """Return how something is called in the file, which imports it then.

        Args:
            module: Where it comes from.
            name: Its name there; empty for the module itself.
        """
        wanted, text = self._named(module, name)
        self._wanted[wanted] = None
        return text

    def replacing(self, bound: str, module: str, name: str) -> str:
        """Return how something is called in the file that takes the place of what a name stood for."""
        wanted, text = ((module, name), name) if bound == name else self._named(module, name)
        self._instead[bound][wanted] = None
        return text

    def keep(self, bound: set[str]) -> None:
        """Note that some names are used whatever becomes of those that are there."""
        self._kept |= bound

    def beside(self, bound: str, module: str, name: str) -> str:
        """Return how something is called in the file that is used instead of a part of what a name stands for."""
        wanted, text = self._named(module, name)
        self._beside[bound][wanted] = None
        return text

    def edits(self, editing: Editing) -> Iterator[Edit]:
        """Yield the edits: what is not used any more goes, and gives its place to what comes.

        Raises:
            NoRewriteError: A name would have to stand for two things.
        """
        gone: dict[ast.alias, list[Wanted]] = {}
        for bound, wanted in self._instead.items():
            used = self._used(bound, editing)
            if used is not None and bound in {name for _, name in wanted}:
                raise NoRewriteError(used, f"`{bound}` stands for another thing in what is converted")
            aliases = [] if used is not None else list(self._aliases(bound))
            gone |= {alias: list(wanted) for alias in aliases}
            if not aliases:
                self._beside[bound] |= wanted
        for bound, wanted in self._beside.items():
            alone = [each for each in self._alone(bound) if each[1] not in gone][:1]
            gone |= {alias: [self._imported(statement, alias), *wanted] for statement, alias in alone}
            self._wanted |= {} if alone else wanted
        text, tree = editing.text, self._module.tree
        yield from replaced_imports(text, tree, gone)
        there = {one for alias in gone for one in gone[alias]}
        yield from added_imports(text, tree, [each for each in self._wanted if each not in there])

    def _alone(self, bound: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, ast.alias]]:
        """Yield the statements at the top of the file that import one name alone, and as it is called."""
        for statement in self._module.tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom) and len(statement.names) == 1:
                alias = statement.names[0]
                is_absolute = isinstance(statement, ast.Import) or not statement.level
                if alias.asname is None and is_absolute and alias.name.partition(".")[0] == bound:
                    yield statement, alias

    @staticmethod
    def _imported(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> Wanted:
        return (alias.name, "") if isinstance(statement, ast.Import) else (statement.module or "", alias.name)

    def _named(self, module: str, name: str) -> tuple[Wanted, str]:
        """Return what is imported, and how it is called: by way of its module where its own name is taken."""
        bound = self._scope.imports.get(name)
        is_taken = name in self._scope.definitions or (bound is not None and bound != (module, name))
        if not name or is_taken:
            return (module, ""), f"{module}.{name}" if name else module
        return (module, name), name

    def _aliases(self, bound: str) -> Iterator[ast.alias]:
        statements: list[ast.Import | ast.ImportFrom] = [
            *self._module.of(ast.ImportFrom),
            *self._module.of(ast.Import),
        ]
        for statement in statements:
            yield from (each for each in statement.names if (each.asname or each.name) == bound)

    def _used(self, bound: str, editing: Editing) -> ast.AST | None:
        """Return where a name is still used; the file where another module may use it."""
        for node in self._module.of(ast.Name):
            if node.id == bound and node not in editing.replaced:
                return node
        is_used = bound in self._kept or self._is_exported(bound) or (self._file, bound) in self._shared
        return self._module.tree if is_used else None

    def _is_exported(self, bound: str) -> bool:
        exported = self._scope.definitions.get("__all__")
        named = ast.walk(exported) if isinstance(exported, ast.expr) else ()
        return any(isinstance(each, ast.Constant) and each.value == bound for each in named)


def shared_names(symbols: Symbols) -> frozenset[tuple[Path, str]]:
    """Return what the modules of a suite import from each other, by the file and the name there."""
    found = set()
    for module in symbols.sources.tests:
        for target, name in symbols.scope(module.path).imports.values():
            file = symbols.locate(target, module.path) if name else None
            if file is not None and file != module.path:
                found.add((file, name))
    return frozenset(found)
