"""What a template's contents depend on, in texts that are hashed: change one, and another template is built.

Whatever is hashed here is cheap to read (60 tables: a few milliseconds). What cannot be seen (a seed that reads a file,
a package that a migration imports) is named by ``hermetic_fingerprint``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from os.path import relpath
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, MetaData, create_mock_engine

SKIPPED = {"__pycache__", ".venv", "venv", "node_modules", ".git"}
"""Folders whose files nobody writes."""


def of_metadata(metadata: MetaData, url: URL) -> Iterator[str]:
    """Tell the statements that would make the tables in the database of a URL."""
    statements: list[str] = []

    def note(statement: Any, *_: Any, **__: Any) -> None:
        statements.append(str(statement.compile(dialect=engine.dialect)))

    engine = create_mock_engine(url, note)
    metadata.create_all(engine, checkfirst=False)
    yield from statements


def of_places(places: Iterable[Path], root: Path) -> Iterator[str]:
    """Tell the names and the contents of files, and of all that lie in folders."""
    for place in places:
        for file in _files_in(place):
            yield relpath(file, root)
            yield file.read_bytes().decode("utf-8", "surrogateescape")


def globbed(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Return the files that the setting ``hermetic_fingerprint`` names."""
    for pattern in patterns:
        yield from sorted(file for file in root.glob(pattern) if file.is_file())


def of_package(package: str | None) -> list[Path]:
    """Return where the modules of a package lie."""
    module = sys.modules.get(package or "")
    return [Path(path) for path in getattr(module, "__path__", [])] or _file_of(module)


def _files_in(place: Path) -> list[Path]:
    """Return a file, or all that lie in a folder; a compiled one counts where it has no source."""
    if not place.is_dir():
        return [place] if place.is_file() else []
    found = (file for file in place.rglob("*") if file.is_file() and _has_no_source(file))
    return sorted(file for file in found if not SKIPPED.intersection(file.relative_to(place).parts))


def _has_no_source(file: Path) -> bool:
    return file.suffix != ".pyc" or not file.with_suffix(".py").exists()


def of_function(function: Callable[..., Any], root: Path) -> list[Path]:
    """Return the module of a function, and those of the project's whose names it uses: models, factories, helpers."""
    while isinstance(function, partial):
        function = function.func
    module = sys.modules.get(getattr(function, "__module__", ""))
    used = {module, *(_module_of(value) for value in vars(module).values())} if module else set()
    files = {file for one in used for file in _file_of(one) if file.is_relative_to(root)}
    return sorted(files | set(_file_of(module)))


def _module_of(value: Any) -> ModuleType | None:
    if isinstance(value, ModuleType):
        return value
    name = getattr(value, "__module__", None)
    return sys.modules.get(name) if isinstance(name, str) else None


def _file_of(module: ModuleType | None) -> list[Path]:
    file = getattr(module, "__file__", None)
    return [Path(file)] if file else []
