"""What a template's contents depend on, in texts that are hashed: change one, and another template is built.

Whatever is hashed here is cheap to read (60 tables: a few milliseconds). What cannot be seen (a seed that reads a file,
a package that a migration imports) is named by ``hermetic_fingerprint``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, MetaData, create_mock_engine

SKIPPED = {"__pycache__", ".venv", "venv", "node_modules", ".git"}


def of_metadata(metadata: MetaData, url: URL) -> Iterator[str]:
    """Tell the statements that would make the tables in the database of a URL."""
    statements: list[str] = []

    def note(statement: Any, *_: Any, **__: Any) -> None:
        statements.append(str(statement.compile(dialect=engine.dialect)))

    engine = create_mock_engine(url, note)
    metadata.create_all(engine, checkfirst=False)
    yield from statements


def of_files(files: Iterable[Path]) -> Iterator[str]:
    """Tell the names and the contents of files; compiled ones do not count."""
    for file in sorted(files):
        if file.suffix != ".pyc" and not SKIPPED.intersection(file.parts):
            yield file.name
            yield file.read_bytes().decode("utf-8", "surrogateescape")


def of_globs(root: Path, patterns: Sequence[str]) -> Iterator[str]:
    """Tell what the setting ``hermetic_fingerprint`` names."""
    for pattern in patterns:
        yield pattern
        yield from of_files(file for file in root.glob(pattern) if file.is_file())


def of_package(root: Path, package: str | None) -> Iterator[str]:
    """Tell every module of a package that lies under the project's root."""
    module = sys.modules.get(package or "")
    for place in [Path(path) for path in getattr(module, "__path__", [])] or _file_of(module):
        yield from of_files(place.rglob("*.py") if place.is_dir() else [place])


def of_function(function: Callable[..., Any], root: Path) -> Iterator[str]:
    """Tell the module of a function, and those of the project's whose names it uses: models, factories, helpers."""
    while isinstance(function, partial):
        function = function.func
    module = sys.modules.get(getattr(function, "__module__", ""))
    used = {module, *(_module_of(value) for value in vars(module).values())} if module else set()
    files = {file for one in used for file in _file_of(one) if file.is_relative_to(root)}
    yield f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    yield from of_files(files | set(_file_of(module)))


def _module_of(value: Any) -> ModuleType | None:
    if isinstance(value, ModuleType):
        return value
    name = getattr(value, "__module__", None)
    return sys.modules.get(name) if isinstance(name, str) else None


def _file_of(module: ModuleType | None) -> list[Path]:
    file = getattr(module, "__file__", None)
    return [Path(file)] if file else []
