"""Tables from an SQL file, and from those that it includes.

The file is sent to the database as it is, so that psql's own commands would be errors of syntax there. Those that
include a file are followed (``.read`` of sqlite3, too), and those that make nothing are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy import create_engine

from hermetic.database.backend import backend_of
from hermetic.database.protocols import WorkerDatabase
from hermetic.errors import SchemaError

COMMAND = re.compile(r"(?:\\|\.(?=read\b))(?P<name>\w+)[ \t]*(?P<argument>.*?)\s*$")
OF_THE_FOLDER = ("ir", "include_relative")
INCLUDES = ("i", "include", "read", *OF_THE_FOLDER)
MAKE_NOTHING = ("echo", "encoding", "pset", "qecho", "restrict", "timing", "unrestrict", "warn")
"""Commands of psql's that dumps and scripts have; ``set ON_ERROR_STOP`` is another."""


@dataclass(frozen=True)
class Script:
    """An SQL file.

    Attributes:
        path: Where it lies.
        root: The project's folder, where ``\\i`` looks first, as psql does that is run there.
        above: The files that include it.
    """

    path: Path
    root: Path
    above: tuple[Path, ...] = field(default=())

    def files(self) -> list[Path]:
        """Return the file, and all that it includes."""
        return [
            self.path,
            *(file for part in self._parts() if isinstance(part, Script) for file in part.files()),
        ]

    def statements(self) -> str:
        """Return what is sent to the database.

        Raises:
            ConfigurationError: A file is not there, or includes itself, or has a command that is psql's.
        """
        return "".join(
            f"{part.statements()}\n" if isinstance(part, Script) else part for part in self._parts()
        )

    def _parts(self) -> Iterator[str | Script]:
        text = self.path.read_text(encoding="utf-8-sig")
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            command = COMMAND.match(line)
            if command is None:
                yield line
            elif command["name"] in INCLUDES:
                yield self._included(command, number)
            elif not self._makes_nothing(command):
                raise SchemaError(
                    f"{self.path}:{number}: {line.strip()} is a command of psql's, and no SQL.",
                    hints=(
                        "hermetic_schema = module:function, of a function that runs psql on the Engine it gets",
                    ),
                )

    @staticmethod
    def _makes_nothing(command: re.Match[str]) -> bool:
        name, argument = command.group("name", "argument")
        return name in MAKE_NOTHING or (name == "set" and argument.startswith("ON_ERROR"))

    def _included(self, command: re.Match[str], number: int) -> Script:
        name = command["argument"].strip("'\"")
        own = self.path.parent / name
        places = [own] if command["name"] in OF_THE_FOLDER else [self.root / name, own]
        found = next((place for place in places if place.is_file()), None)
        if found is None or found in (self.path, *self.above):
            raise SchemaError(
                f"{self.path}:{number} includes {name!r}, which {'is not there' if found is None else 'includes it'}.",
                why=f"Looked for {' and '.join(map(str, dict.fromkeys(places)))}.",
            )
        return Script(found, self.root, (self.path, *self.above))


def builder(script: Script) -> Callable[[WorkerDatabase], None]:
    """Return a function that runs a script's statements in a worker database.

    Raises:
        ConfigurationError: From the function, when a statement fails.
    """

    def build(database: WorkerDatabase) -> None:
        engine = create_engine(backend_of(database.url).sync_url(database.url))
        try:
            with engine.connect() as connection:
                driver = cast(Any, connection.connection.driver_connection)
                try:
                    _run(driver, script.statements())
                except engine.dialect.loaded_dbapi.Error as error:
                    raise SchemaError(f"hermetic_schema = {script.path.name}: {error}") from error
        finally:
            engine.dispose()

    return build


def _run(driver: Any, statements: str) -> None:
    """Run several statements: sqlite3 has a method for that, psycopg takes them at once if there are no parameters."""
    if hasattr(driver, "executescript"):
        driver.executescript(statements)
        return
    driver.execute(statements)
    driver.commit()
