"""What sources depend on that were run before anybody looked: the project's modules that they import, files they name.

A module that was imported before a build is not read in it again, nor what it read itself when it was. What a source
imports is in its text, anywhere in it; which module that is, ``sys.modules`` knows once the source was run. And a file
that it reads is mostly named in it, by a text or by the parts of one: ``HERE / "data" / "roles.json"``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from hermetic.code import is_library, is_test_code

FILE = re.compile(r"[^\n*?{}]{1,200}\.(csv|json|jsonl|ndjson|parquet|sql|toml|tsv|xlsx|xml|yaml|yml)")
"""A file of data: not one that an application writes, as logs and databases."""

FOLDER = re.compile(r"[\w./ -]{1,200}")


def with_imports(files: Iterable[Path], root: Path) -> set[Path]:
    """Return sources, those of the project's modules that they import, directly or through others, and files they name.

    Args:
        files: Sources; what is none is left out.
        root: The project's folder.

    Returns:
        Among them are the packages that an import only passes through, which are not followed: ``import shop.models``
        depends on little of what ``shop/__init__.py`` imports.
    """
    modules = _Modules(root)
    found: set[Path] = set()
    passed: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file in found or file.suffix != ".py":
            continue
        found.add(file)
        nodes = list(_nodes_of(file))
        passed.update(_named_files(nodes, [file.parent, file.parent.parent, root]))
        for name in modules.imported_by(nodes, file):
            waiting += modules.sources([name])
            passed.update(modules.sources(_parents(name)))
    return found | passed


class _Modules:
    """The modules that are loaded now, and the project's sources of them."""

    def __init__(self, root: Path) -> None:
        named = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
        files = {name: file for name, file in named.items() if file and not is_library(file)}
        self._files = {name: Path(file) for name, file in files.items()}
        self._names = {file: name for name, file in self._files.items()}
        self._application = [name for name, file in self._files.items() if not is_test_code(file, root)]

    def sources(self, names: Iterable[str]) -> list[Path]:
        return [self._files[name] for name in names if name in self._files]

    def imported_by(self, nodes: Iterable[ast.AST], file: Path) -> Iterator[str]:
        """Return the names of the modules that a source takes something from."""
        package = self._package(file)
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(node, package)
                within = [f"{base}.{alias.name}" for alias in node.names]
                yield from (name if name in self._files else base for name in within)
            elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
                yield from self._named_by(node.args[:1], package)

    def _named_by(self, arguments: list[ast.expr], package: str) -> Iterator[str]:
        """Return the module that a call imports; where its name is computed, all that it may be."""
        if arguments and isinstance(arguments[0], ast.Constant):
            yield str(arguments[0].value)
        else:
            prefix = f"{package}." if package else ""
            yield from (name for name in self._application if name.startswith(prefix))

    def _package(self, file: Path) -> str:
        name = self._names.get(file, "")
        return name if file.name == "__init__.py" else name.rpartition(".")[0]


def _nodes_of(file: Path) -> Iterator[ast.AST]:
    """Return what is run of a source, not what is there for type checkers; nothing where it cannot be read."""
    try:
        waiting: list[ast.AST] = [ast.parse(file.read_bytes())]
    except (OSError, SyntaxError, ValueError):
        return
    while waiting:
        node = waiting.pop()
        if not (isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING"):
            yield node
            waiting += ast.iter_child_nodes(node)


def _named_files(nodes: Iterable[ast.AST], folders: Iterable[Path]) -> Iterator[Path]:
    """Return the files that texts name, below these folders or below those in them which other texts name."""
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    names = [text for text in texts if FILE.fullmatch(text)]
    if names:
        below = [folder / text for folder in folders for text in texts if FOLDER.fullmatch(text)]
        for folder in {*folders, *(place for place in below if place.is_dir())}:
            yield from (folder / name for name in names if (folder / name).is_file())


def _name(node: ast.expr) -> str | None:
    """Return the last name of an expression that is names only."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
