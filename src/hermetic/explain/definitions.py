"""Where a project defines a table: in what was imported, else in its files, of which none is imported here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from hermetic.code import project_modules
from hermetic.explain.frames import is_a

FILES = 5_000
"""How many files are looked through at the most."""

_SKIPPED = frozenset({"node_modules", "site-packages", "build", "dist", "__pycache__"})


class Definition(NamedTuple):
    """Where a table is defined.

    Attributes:
        name: The class, or the variable.
        module: The module, by its name.
        place: The file, with the line where that is known.
        is_imported: Whether it is imported.
    """

    name: str
    module: str
    place: str
    is_imported: bool

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"


def definition_of(table: str, root: str) -> Definition | None:
    """Return where a table is defined; None where nobody can tell.

    Args:
        table: Its name, in lower case.
        root: The project's folder.
    """
    return next(_imported(table), None) or next(_in_files(table, Path(root)), None)


def is_known_to(table: str, contents: tuple[str, ...]) -> bool:
    """Whether one of the ``module:MetaData`` that filled a database knows a table by now."""
    for each in contents:
        module, _, path = each.partition(":")
        found: Any = sys.modules.get(module)
        for name in path.split(".") if path else ():
            found = getattr(found, name, None)
        tables: Any = getattr(getattr(found, "metadata", found), "tables", None)
        if hasattr(tables, "values") and any(_is_named(one, table) for one in tables.values()):
            return True
    return False


def has_column(table: str, column: str) -> bool:
    """Whether a table that a loaded module defines has a column."""
    return any(column in each.columns for each in project_tables() if _is_named(each, table))


def project_tables() -> Iterator[Any]:
    """Give the tables that loaded modules define, some of them more than once."""
    return (each for module in project_modules() for each in _tables_of(module))


def base_of(table: str) -> str:
    """Return the class whose MetaData has a table that a loaded module defines, with its module; empty if none has."""
    base = _base_of(table)
    return f"{base.__module__}.{base.__qualname__}" if base else ""


def metadata_of(definition: Definition, table: str) -> str:
    """Return a ``module:MetaData`` that has a table, by the module which defines it."""
    base = _base_of(table)
    has_base = base is not None and getattr(sys.modules.get(definition.module), base.__name__, None) is base
    name = base.__name__ if base is not None and has_base else definition.name
    return f"{definition.module}:{name if definition.is_imported else '<its base>'}.metadata"


def _base_of(table: str) -> type | None:
    for module in project_modules():
        for value in list(vars(module).values()):
            if isinstance(value, type) and _is_named(getattr(value, "__table__", None), table):
                bases = [each for each in value.__mro__ if "metadata" in vars(each)]
                return bases[-1] if bases else None
    return None


def _tables_of(module: Any) -> Iterator[Any]:
    for value in list(vars(module).values()):
        found = getattr(value, "__table__", None) if isinstance(value, type) else value
        if is_a(found, "Table"):
            yield found


def _imported(table: str) -> Iterator[Definition]:
    for module in project_modules():
        for name, value in list(vars(module).items()):
            found = getattr(value, "__table__", None) if issubclass(type(value), type) else None
            if found is not None and value.__module__ == module.__name__ and _is_named(found, table):
                yield Definition(name, module.__name__, str(module.__file__), True)


def _is_named(table: Any, name: str) -> bool:
    return str(getattr(table, "name", "")).lower() == name


def _in_files(table: str, root: Path) -> Iterator[Definition]:
    """Give the files that define it, of those which are not imported."""
    imported = {module.__file__ for module in project_modules()}
    wanted = re.compile(
        rf"""__tablename__\s*(?::[^=\n]*)?=\s*["']{re.escape(table)}["']|\bTable\(\s*["']{re.escape(table)}["']"""
    )
    for file in files_below(root):
        if str(file) not in imported:
            text = file.read_text(encoding="utf-8", errors="replace")
            found = wanted.search(text)
            if found is not None:
                line = text.count("\n", 0, found.start()) + 1
                yield Definition(file.stem, _module_of(file, root), f"{file}:{line}", False)


def files_below(root: Path) -> Iterator[Path]:
    """Give the Python files of a project, as many as are looked through."""
    return islice(_files(root), FILES) if root.is_dir() else iter(())


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name in _SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            if os.access(path, os.R_OK | os.X_OK) and not (path / "pyvenv.cfg").exists():
                yield from _files(path)
        elif path.suffix == ".py" and os.access(path, os.R_OK):
            yield path


def _module_of(file: Path, root: Path) -> str:
    """Return by which name a file is imported: below the innermost folder of the path that has it."""
    folders = [Path(each) for each in sys.path if each and file.is_relative_to(each)]
    below = max(folders, key=lambda each: len(each.parts), default=root)
    return ".".join(file.relative_to(below).with_suffix("").parts).removesuffix(".__init__")
