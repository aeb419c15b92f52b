"""What a template depends on: what is known before it is made, its fingerprint, and what its build read besides.

Of the first there are texts that are hashed: change one, and another template is built. What is hashed is cheap to read
(60 tables, or 200 migrations: a few milliseconds). The second is noted with it, and looked at before it is reused.

A fingerprint must be told before anything is built, so that it knows what settings name: the migrations' folder, and
not the CSV file that one of them reads. Whoever has built knows that, too.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from os.path import relpath
from pathlib import Path
from typing import Any

from sqlalchemy import URL, MetaData, create_mock_engine
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import SQLCompiler

from hermetic.code import is_library, is_test_code
from hermetic.database.schema.build_reads import SKIPPED, Reading, is_the_projects, written

SHOWN = 3

FILE = re.compile(r"[^\n*?{}]{1,200}\.(csv|json|jsonl|ndjson|parquet|sql|toml|tsv|xlsx|xml|yaml|yml)")
"""A file of data: not one that an application writes, as logs and databases."""

FOLDER = re.compile(r"[\w./ -]{1,200}")


def note_of(
    reading: Reading, known: Iterable[Path], root: Path, doubts: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what to note of a build.

    Args:
        reading: What it read.
        known: Files and folders that the fingerprint tells.
        root: The project's folder.
        doubts: Why what it made is for this run only, if it is.

    Returns:
        ``files``: by its path below ``root`` each file and folder, with a short name for what it holds;
        ``doubts``. Nothing where there is nothing to note.
    """
    places = list(known)
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    # A module counts where something uses it: the first import of one may bring all of an application.
    read = {path: at for path, at in reading.of_the_project(root).items() if str(path) not in loaded}
    sources = [*read, *(file for place in places for file in files_in(place))]
    imported = {
        path for path in with_imports(sources, root) if is_the_projects(path, root)
    } - reading.written()
    further = {path for path in imported | read.keys() if not any(path.is_relative_to(p) for p in places)}
    note: dict[str, Any] = {}
    if further:
        note["files"] = {relpath(path, root): _state_read(path, read) for path in sorted(further)}
    if said := list(doubts):
        note["doubts"] = said
    return note


def outdated(note: Mapping[str, Any], root: Path) -> str:
    """Return why a template with this note may be another one today; empty if it is the same."""
    if doubts := note.get("doubts"):
        return "; ".join(doubts)
    changed = [path for path, state in note.get("files", {}).items() if _state(root / path) != state]
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return f"{', '.join(changed[:SHOWN])}{more} changed" if changed else ""


def files_in(place: Path) -> list[Path]:
    """Return a file, or all that lie in a folder; a compiled one counts where it has no source."""
    if not place.is_dir():
        return [place] if place.is_file() else []
    return sorted(file for file in place.rglob("*") if file.is_file() and _counts(file, place))


def _counts(file: Path, place: Path) -> bool:
    if file.suffix != ".pyc":
        return is_the_projects(file, place)
    folder = file.parent.parent if file.parent.name == "__pycache__" else file.parent
    return not (folder / f"{file.name.partition('.')[0]}.py").exists()


def _state_read(path: Path, read: Mapping[Path, int | None]) -> str:
    """Return the state of what was read; of a file that was written since, one that no file has."""
    return _state(path) if path not in read or read[path] == written(path) else "written meanwhile"


def _state(path: Path) -> str:
    """Return a short name for what a file holds, or for the names in a folder; of what is not there an empty one."""
    try:
        if path.is_dir():
            names = [each.name for each in path.iterdir() if each.name not in SKIPPED]
            text = "\n".join(sorted(name for name in names if not name.startswith(".")))
            held = text.encode("utf-8", "surrogateescape")
        else:
            held = path.read_bytes()
    except OSError:
        return ""
    return sha256(held).hexdigest()[:12]


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


METADATA = (".dist-info", ".egg-info")


def of_metadata(metadata: MetaData, url: URL) -> Iterator[str]:
    """Tell the statements that would make the tables in the database of a URL, and the rows that listeners write.

    The indexes of a table are a set, whose order is another one in each process.
    """
    statements: list[tuple[bool, str]] = []

    def note(statement: Any, *parameters: Any, **named: Any) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        values = compiled.params if isinstance(compiled, SQLCompiler) else ""
        statements.append((isinstance(statement, CreateIndex), f"{compiled} {values} {parameters} {named}"))

    engine = create_mock_engine(url, note)
    metadata.create_all(engine, checkfirst=False)
    for are_indexes, texts in groupby(statements, key=itemgetter(0)):
        yield from (text for _, text in (sorted(texts) if are_indexes else texts))


def of_places(places: Iterable[Path], root: Path) -> Iterator[str]:
    """Tell the names and the contents of files, and of all that lie in folders."""
    for place in places:
        for file in files_in(place):
            yield relpath(file, root)
            yield file.read_bytes().decode("utf-8", "surrogateescape")


def of_packages() -> Iterator[str]:
    """Tell which versions of which packages are installed, as their folders are named."""
    folders = {entry for entry in sys.path if is_library(os.path.join(entry, "")) and os.path.isdir(entry)}
    yield from sorted(name for folder in folders for name in os.listdir(folder) if name.endswith(METADATA))


def globbed(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Return the files that the setting ``hermetic_fingerprint`` names."""
    for pattern in patterns:
        yield from sorted(file for file in root.glob(pattern) if file.is_file())


def of_package(package: str | None) -> list[Path]:
    """Return where the modules of a package lie."""
    module = sys.modules.get(package or "")
    return [Path(path) for path in getattr(module, "__path__", [])] or _files([package or ""])


def of_function(spec: str, function: Callable[..., Any]) -> list[Path]:
    """Return the module that a setting names, and the one that the function comes from."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    return _files(
        [spec.partition(":")[0], getattr(function, "__module__", None) or type(function).__module__]
    )


def _files(modules: Iterable[str]) -> list[Path]:
    files = (getattr(sys.modules.get(name), "__file__", None) for name in dict.fromkeys(modules))
    return [Path(file) for file in files if file and not is_library(file)]
