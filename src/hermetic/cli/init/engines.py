"""Where the application opens databases: its engines, and the drivers that it calls itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.bindings import Bindings, last_name
from hermetic.cli.init.sources import Module
from hermetic.cli.init.startup import Startup
from hermetic.cli.init.symbols import Symbols
from hermetic.cli.init.variables import outside

ENGINES = frozenset(
    {"create_async_engine", "async_engine_from_config", "create_engine", "engine_from_config"}
)
DRIVERS = frozenset(
    {
        "asyncpg",
        "psycopg",
        "psycopg_pool",
        "psycopg2",
        "aiopg",
        "aiosqlite",
        "sqlite3",
        "asyncmy",
        "aiomysql",
        "pymysql",
    }
)
LIBRARIES = frozenset(
    {
        "databases",
        "tortoise",
        "piccolo",
        "gino",
        "advanced_alchemy",
        "fastapi_async_sqlalchemy",
        "fastapi_sqlalchemy",
    }
    | {
        "fastapi_sqla",
        "sqlalchemy_utils",
        "peewee",
        "peewee_async",
        "pony",
        "edgy",
        "saffier",
        "ormar",
        "langgraph",
    }
    | {"sqlalchemy_bind_manager", "async_sqlalchemy", "fastapi_utils", "alembic"}
)
"""Packages that are given a database's address."""
OPENING = frozenset(
    {
        "connect",
        "create_pool",
        "Database",
        "init",
        "register_tortoise",
        "RegisterTortoise",
        "from_conn_string",
    }
    | {
        "ConnectionPool",
        "AsyncConnectionPool",
        "NullConnectionPool",
        "AsyncNullConnectionPool",
        "PostgresEngine",
    }
    | {
        "SimpleConnectionPool",
        "ThreadedConnectionPool",
        "SQLiteEngine",
        "SQLAlchemyMiddleware",
        "DBSessionMiddleware",
    }
    | {
        "SQLAlchemyAsyncConfig",
        "SQLAlchemySyncConfig",
        "set_main_option",
        "database_exists",
        "create_database",
    }
    | {"FastAPISessionMaker", "DatabaseRegistry", "Registry", "set_bind", "bind", "PostgresqlDatabase"}
)
WANTED = ENGINES | OPENING
HARMLESS = (".exceptions", ".errors", ".types")
"""Parts of drivers that open no connection."""
ADDRESS = frozenset(
    {
        "url",
        "dsn",
        "conninfo",
        "uri",
        "db_url",
        "database_url",
        "dburl",
        "connection_string",
        "config",
        "connections",
    }
    | {
        "conn_string",
        "configuration",
        "db_config",
        "database",
        "host",
        "port",
        "user",
        "username",
        "password",
        "dbname",
    }
)
"""The arguments that can be a database's address, or a part of it."""


@dataclass(frozen=True)
class Opening:
    """A call that makes an engine, or calls a driver or a library with a database's address.

    Attributes:
        file: The file.
        call: The call.
        is_engine: Whether it makes an engine of SQLAlchemy's.
        package: The driver's or the library's.
    """

    file: Path
    call: ast.Call
    is_engine: bool
    package: str = ""

    @property
    def addresses(self) -> Iterator[tuple[str | None, ast.expr]]:
        """The arguments that say where the database is, each with its name."""
        if last_name(self.call.func) == "set_main_option":
            yield from ((None, argument) for argument in self.call.args[1:])
            return
        yield from ((None, argument) for argument in self.call.args[:1])
        yield from ((word.arg, word.value) for word in self.call.keywords if word.arg in ADDRESS)


def find_openings(modules: Iterable[Module], symbols: Symbols) -> list[Opening]:
    """List the places that open databases: those of async engines first, then other engines, then drivers."""
    found = []
    for module in modules:
        imported = symbols.scope(module.path).imports
        names = WANTED | {local for local, (_, name) in imported.items() if name in WANTED}
        for node in module.of(ast.Call) if module.mentions(*names) else ():
            if last_name(node.func) in names:
                opening = _opening(module.path, node, symbols)
                if opening is not None:
                    found.append(opening)
    return sorted(found, key=lambda each: (not each.is_engine, "async" not in last_name(each.call.func)))


def made_when_imported(openings: Iterable[Opening], startup: Startup, bindings: Bindings) -> bool:
    """Whether an engine is made while the application is imported.

    Args:
        openings: The places that open databases.
        startup: What runs then.
        bindings: The application's names.
    """
    here = [each for each in openings if each.is_engine and each.file in startup.files]
    functions = (bindings.function(each.file, each.call) for each in here)
    return any(function is None or function in startup.functions for function in functions)


def _opening(file: Path, call: ast.Call, symbols: Symbols) -> Opening | None:
    name = outside(file, call.func, symbols)
    last, package = name.rpartition(".")[2], name.partition(".")[0]
    if last in ENGINES and package not in LIBRARIES | DRIVERS:
        return Opening(file, call, is_engine=True)
    if not name and last_name(call.func) in ENGINES and symbols.resolve(file, call.func) is None:
        return Opening(file, call, is_engine=True)
    if last in OPENING and package in LIBRARIES | DRIVERS and not any(part in name for part in HARMLESS):
        return Opening(file, call, False, package)
    return None
