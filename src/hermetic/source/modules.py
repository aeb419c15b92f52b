"""Read one Python file of a project, without importing it, and say what it is for.

Its tree is most of what it takes in memory, so it can be dropped, and is parsed again for whoever asks. Words are found
in the text: most finders look for a few names, and most modules have none of them.
"""

from __future__ import annotations

import ast
import re
import stat
import sys
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import TypeVar

from hermetic.code import is_test_path
from hermetic.source.trees import Tree, Trees

N = TypeVar("N", bound=ast.AST)
WORD = re.compile(r"[^\W\d]\w*", re.ASCII)
ATTRIBUTE = re.compile(r"\.[\s\\]*(\w+)", re.ASCII)
"""A dot, and what may be the name of an attribute."""
LARGEST = 4_000_000
"""Bytes: what is larger is data. The largest modules that people write have a tenth of that."""

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
        parsed: Its syntax tree.
        text: What is in the file.
        is_test: Whether it is a test, a conftest, or a module beside them.
        is_production: Whether it can be part of the application: neither test, documentation, example nor migration.
    """

    path: Path
    parsed: Tree
    text: bytes
    is_test: bool
    is_production: bool

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return self.parsed.root

    def drop_tree(self) -> None:
        """Drop the tree but for the imports: of a large project it is most of the memory.

        Whoever asks for it again has the file parsed again, and gets other nodes.
        """
        self.parsed.drop()

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree in the order of the text, operators and contexts aside."""
        return self.parsed.nodes

    @property
    def places(self) -> dict[ast.AST, int]:
        """Where each node stands among the nodes: the same each time that the file is parsed."""
        return self.parsed.places

    @property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return self.parsed.parents

    def of(self, kind: type[N]) -> Sequence[N]:
        """Return the nodes of one kind in the order of the text; each finder looks for a few among very many."""
        return self.parsed.of(kind)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its text, names among them; to find those takes a tenth of what a walk of the tree takes."""
        return frozenset(map(sys.intern, WORD.findall(self.text.decode("latin-1"))))

    def mentions(self, *words: str) -> bool:
        """Whether one of these words is in the text: a module without them need not be walked."""
        return not self.words.isdisjoint(words)

    def may_have_attribute(self, names: Collection[str]) -> bool:
        """Whether one of these names stands behind a dot in the text: without it, no attribute need be looked for."""
        if self.words.isdisjoint(names):
            return False
        return not set(ATTRIBUTE.findall(self.text.decode("latin-1"))).isdisjoint(names)

    @property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """Its import statements, those in functions included."""
        return self.parsed.imports

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


def parse(path: Path, relative: PurePath, trees: Trees | None = None) -> Module | Skipped:
    """Parse a file, or say why that cannot be done.

    What is neither a test nor the application's is parsed when something asks for it: migrations are by the hundred.

    Args:
        path: The file.
        relative: Its path in the project, whose folders tell what it is for.
        trees: The trees that are there, where they are dropped: of a test its outline stays, of others the imports.
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
        parsed = Tree(text, partial(_tree_aside if is_aside else _tree_of, path), trees)
        if not is_aside:
            _ = parsed.imports
        if is_test:
            parsed.drop_bodies()
        elif trees is not None:
            parsed.drop()
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
    parsed = Tree(text, partial(_tree_of, module.path), module.parsed.trees)
    _ = parsed.root
    parsed.drop_bodies()
    return replace(module, parsed=parsed, text=text)


def _tree_of(path: Path, text: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in the user's code is not ours to report
        return ast.parse(text, filename=str(path))


def _tree_aside(path: Path, text: bytes) -> ast.Module:
    """Return the tree of what is no part of the project; where it is not Python, an empty one: nobody need know."""
    try:
        return _tree_of(path, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def purpose_of(relative: PurePath) -> tuple[bool, bool]:
    """Say whether a path in the project is a test's, and whether it can be a part of the application."""
    is_test = is_test_path(relative)
    is_aside = not ASIDE_DIRECTORIES.isdisjoint(relative.parts[:-1])
    return is_test, not is_test and not is_aside
