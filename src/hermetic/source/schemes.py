"""The schemes of database URLs: ``postgresql+asyncpg``, which kind they are of, and the driver that fits an engine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from hermetic.source.origins import HOLE
from hermetic.source.requirements import read_loosely, read_requirements
from hermetic.source.sources import Sources

SCHEME = re.compile(r"\b((?:postgres(?:ql)?|mysql|mariadb|sqlite)(?:\+\w+)?)://")
WORD = re.compile(r"(?:postgres(?:ql)?|mysql|mariadb|sqlite)(?:\+\w+)?", re.IGNORECASE)
TORTOISE = re.compile(r"(tortoise\.backends\.)?(asyncpg|psycopg)(?(1)$|://)")
"""How Tortoise names PostgreSQL."""

DOTENV = (".env", ".env.example", ".env.sample", ".env.template")
ASYNC = {
    "postgresql": {"asyncpg": "asyncpg", "psycopg": "psycopg"},
    "mysql": {"asyncmy": "asyncmy", "aiomysql": "aiomysql"},
    "sqlite": {"aiosqlite": "aiosqlite"},
}
"""The drivers of async engines: the package that a project requires, and its name in a URL."""

SYNC = {
    "postgresql": {"psycopg": "psycopg", "psycopg2": "psycopg2"},
    "mysql": {"pymysql": "pymysql", "mysqlclient": "mysqldb"},
    "sqlite": {},
}


def schemes_in(value: object) -> list[str]:
    """Return the schemes that a text has in it, or is."""
    if not isinstance(value, str):
        return []
    if WORD.fullmatch(value):
        return [value.lower()]
    if TORTOISE.match(value):
        return ["postgresql"]
    return [match[1] for match in SCHEME.finditer(value.replace(f"+{HOLE}", ""))]


def kind_of(scheme: str) -> str:
    """Return which database a scheme is of, by SQLAlchemy's name."""
    kind = scheme.partition("+")[0]
    return {"postgres": "postgresql", "mariadb": "mysql"}.get(kind, kind)


def fitting(scheme: str, requirements: str, *, is_async: bool) -> str:
    """Return a scheme with a driver for an engine: its own if that can be, else one that the project requires.

    Args:
        scheme: Of some URL of that kind of database.
        requirements: What the project requires.
        is_async: Whether the engine is.
    """
    kind, driver = kind_of(scheme), scheme.partition("+")[2]
    others = {name for names in ASYNC.values() for name in names.values()} - {"psycopg"}
    if driver and (driver not in others if not is_async else driver in ASYNC[kind].values()):
        return scheme
    drivers = (ASYNC if is_async else SYNC)[kind]
    required = [
        name for package, name in drivers.items() if re.search(rf"\b{package}\b", requirements, re.IGNORECASE)
    ]
    chosen = next(iter([*required, *(drivers.values() if is_async else ())]), "")
    return f"{kind}+{chosen}" if chosen else kind


def guessed_scheme(sources: Sources, directories: Iterable[Path], *, is_async: bool) -> str:
    """Say which kind of database a project is for, where no engine of it can be followed.

    Args:
        sources: The project; a URL in the application's own code tells first.
        directories: Where ``.env`` files, then requirements, are looked for.
        is_async: Whether its engines are.
    """
    places = list(dict.fromkeys(directories))
    texts = [
        node.value
        for module in sources.production
        if b"://" in module.text
        for node in module.of(ast.Constant)
    ]
    texts += [read_loosely(directory / name) for directory in places for name in DOTENV]
    schemes = [match[1] for text in texts if isinstance(text, str) for match in SCHEME.finditer(text)]
    if schemes:
        # Code that turns "postgres://" into "postgresql+asyncpg://" names both; the driver is the one that is meant.
        return next((scheme for scheme in schemes if "+" in scheme), schemes[0])
    wanted = read_requirements(places)
    for kind, drivers in (ASYNC if is_async else SYNC).items():
        if any(re.search(rf"\b{package}\b", wanted, re.IGNORECASE) for package in drivers):
            return fitting(kind, wanted, is_async=is_async)
    return "sqlite+aiosqlite" if is_async else "sqlite"
