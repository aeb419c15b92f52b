"""What a template's contents depend on and that is known before they are made, in texts that are hashed.

Change one, and another template is built. Whatever is hashed here is cheap to read (60 tables, or 200 migrations: a few
milliseconds). What a build reads besides is noted with the template (``inputs``).
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from os.path import relpath
from pathlib import Path
from typing import Any

from sqlalchemy import URL, MetaData, create_mock_engine
from sqlalchemy.sql.compiler import SQLCompiler

from hermetic.code import is_library
from hermetic.database.schema.inputs import files_in

METADATA = (".dist-info", ".egg-info")


def of_metadata(metadata: MetaData, url: URL) -> Iterator[str]:
    """Tell the statements that would make the tables in the database of a URL, and the rows that listeners write."""
    statements: list[str] = []

    def note(statement: Any, *parameters: Any, **named: Any) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        values = compiled.params if isinstance(compiled, SQLCompiler) else ""
        statements.append(f"{compiled} {values} {parameters} {named}")

    engine = create_mock_engine(url, note)
    metadata.create_all(engine, checkfirst=False)
    yield from statements


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
