"""Read what a project says it needs: the files in which dependencies and database URLs are written down.

Only names of packages and schemes of URLs are taken from them, never a password.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hermetic.cli.init.sources import Module, Sources

FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "tox.ini")
PATTERNS = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in")
DOTENV = (".env", ".env.example", ".env.sample", ".env.template")
SCHEME = re.compile(r"\b((?:postgres(?:ql)?|mysql|mariadb|sqlite)(?:\+\w+)?)://")
DRIVERS = {
    "asyncpg": "postgresql+asyncpg",
    "psycopg": "postgresql+psycopg",
    "asyncmy": "mysql+asyncmy",
    "aiomysql": "mysql+aiomysql",
}
DEFAULT_SCHEME = "sqlite+aiosqlite"


def read_requirements(directories: Iterable[Path]) -> str:
    """Return the text of the files in which dependencies are declared."""
    return "\n".join(
        read_loosely(path)
        for directory in dict.fromkeys(directories)
        for path in requirement_files(directory)
    )


def requirement_files(directory: Path) -> list[Path]:
    """List the files of a directory in which dependencies may be declared; not all of them need exist."""
    found = (path for pattern in PATTERNS for path in sorted(directory.glob(pattern)))
    return [*(directory / name for name in FILES), *found]


def read_loosely(path: Path) -> str:
    """Return a file's text, whatever its encoding; empty where there is none or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def database_scheme(sources: Sources, directories: Iterable[Path]) -> str:
    """Say which kind of database URL the application expects: ``postgresql+asyncpg``, ``sqlite+aiosqlite``.

    Args:
        sources: The project; a URL in the application's own code tells first.
        directories: Where ``.env`` files, then requirements, are looked for.
    """
    places = list(dict.fromkeys(directories))
    texts = [text for module in sources.production for text in _texts(module)]
    texts += [read_loosely(directory / name) for directory in places for name in DOTENV]
    schemes = [match[1] for text in texts for match in SCHEME.finditer(text)]
    if schemes:
        # Code that turns "postgres://" into "postgresql+asyncpg://" names both; the driver is the one that is meant.
        return next((scheme for scheme in schemes if "+" in scheme), schemes[0])
    wanted = read_requirements(places)
    return next(
        (scheme for driver, scheme in DRIVERS.items() if re.search(rf"\b{driver}\b", wanted)), DEFAULT_SCHEME
    )


def _texts(module: Module) -> Iterator[str]:
    for node in module.of(ast.Constant):
        if isinstance(node.value, str):
            yield node.value
