"""Where the application opens databases, by engines and by drivers that it calls itself, and what those are given.

What they are given tells which kind of database it is, as does a default.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hermetic.source.bindings import Bindings
from hermetic.source.databases import Databases
from hermetic.source.dataflow import Dataflow
from hermetic.source.environ import Variable, outside
from hermetic.source.modules import Module
from hermetic.source.origins import Expression, Read, Text, as_role, role_of
from hermetic.source.requirements import read_requirements
from hermetic.source.startup import Startup
from hermetic.source.symbols import Symbols
from hermetic.source.syntax import last_name
from hermetic.source.variable_values import Given

ENGINES = frozenset(
    {"create_async_engine", "async_engine_from_config", "create_engine", "engine_from_config"}
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
    }
    | {
        "SimpleConnectionPool",
        "ThreadedConnectionPool",
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
    | {"FastAPISessionMaker", "DatabaseRegistry", "Registry", "set_bind", "bind"}
)
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
        is_wrapped: Whether an engine that it makes is handed to ``AsyncEngine``.
    """

    file: Path
    call: ast.Call
    is_engine: bool
    package: str = ""
    is_wrapped: bool = False

    @property
    def is_async(self) -> bool:
        """Whether it makes an async engine."""
        return self.is_engine and (self.is_wrapped or "async" in last_name(self.call.func))

    @property
    def addresses(self) -> Iterator[tuple[str | None, ast.expr]]:
        """The arguments that say where the database is, each with its name."""
        if last_name(self.call.func) == "set_main_option":
            yield from ((None, argument) for argument in self.call.args[1:])
            return
        yield from ((None, argument) for argument in self.call.args[:1])
        yield from ((word.arg, word.value) for word in self.call.keywords if word.arg in ADDRESS)
        unpacked = [word.value for word in self.call.keywords if word.arg is None and self.is_engine]
        yield from ((None, _entry(value, "url")) for value in unpacked)


def _entry(value: ast.expr, key: str) -> ast.expr:
    """Return the expression for one of the values that a call is given by ``**``."""
    entry = ast.Subscript(value, ast.Constant(key), ast.Load())
    return ast.fix_missing_locations(ast.copy_location(entry, value))


def find_openings(modules: Iterable[Module], symbols: Symbols, databases: Databases) -> list[Opening]:
    """List the places that open databases: those of async engines first, then other engines, then drivers."""
    found = []
    wanted = ENGINES | OPENING | databases.openings
    for module in modules:
        imported = symbols.scope(module.path).imports
        names = wanted | {local for local, (_, name) in imported.items() if name in wanted}
        wrapped = _wrapped(module)
        for node in module.of(ast.Call) if module.mentions(*names) else ():
            if last_name(node.func) in names:
                opening = _opening(module.path, node, symbols, databases)
                if opening is not None:
                    found.append(replace(opening, is_wrapped=node in wrapped))
    return sorted(found, key=lambda each: (not each.is_engine, not each.is_async))


def _wrapped(module: Module) -> set[ast.expr]:
    """Return what a module hands to ``AsyncEngine`` where it makes it: ``AsyncEngine(create_engine(url))``."""
    calls = module.of(ast.Call) if module.mentions("AsyncEngine") else ()
    return {node.args[0] for node in calls if last_name(node.func) == "AsyncEngine" and node.args}


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


def _opening(file: Path, call: ast.Call, symbols: Symbols, databases: Databases) -> Opening | None:
    packages = LIBRARIES | databases.packages
    name = outside(file, call.func, symbols)
    last, package = name.rpartition(".")[2], name.partition(".")[0]
    if last in ENGINES and package not in packages:
        return Opening(file, call, is_engine=True)
    if not name and last_name(call.func) in ENGINES and symbols.resolve(file, call.func) is None:
        return Opening(file, call, is_engine=True)
    opens = last in OPENING or last in databases.openings
    if opens and package in packages and not any(part in name for part in HARMLESS):
        return Opening(file, call, False, package)
    return None


@dataclass(frozen=True)
class Address:
    """What one of the application's openings of a database is given.

    Attributes:
        opening: The call.
        found: The texts and variables that its address is made of.
    """

    opening: Opening
    found: tuple[Text | Read, ...]

    @property
    def variables(self) -> list[Read]:
        """The variables among them."""
        return [each for each in self.found if isinstance(each, Read)]

    def is_told(self, databases: Databases) -> bool:
        """Whether a text names the database, so that no variable must."""
        texts = (each for each in self.found if isinstance(each, Text) and each.role != "part")
        return any((each.is_exact or each.is_default) and databases.schemes_in(each.value) for each in texts)


def find_addresses(openings: Iterable[Opening], dataflow: Dataflow) -> list[Address]:
    """Follow what the openings are given; those that defaults rule out are left out."""
    found = []
    for opening in openings:
        if dataflow.conditions.is_dead(Expression(opening.file, opening.call)):
            continue
        parts: list[Text | Read] = []
        for name, argument in opening.addresses:
            values = dataflow.flattened(dataflow.origins(Expression(opening.file, argument)))
            parts += as_role(values, role_of(name))
        found.append(Address(opening, tuple(dict.fromkeys(parts))))
    return found


def find_scheme(
    addresses: Sequence[Address],
    typed: Iterable[Variable],
    given: Given,
    places: Iterable[Path],
    databases: Databases,
) -> str | None:
    """Return the scheme of the application's URL, with a driver for its engines; None where nothing tells it.

    What a variable is given when the tests run goes before its default, then what an example shows, then what stands in
    the code; a driver that is named anywhere for that kind of database is the one that is meant.

    Args:
        addresses: What the application's openings are given, the likeliest first.
        typed: Variables that are database URLs by their type.
        given: The values of variables.
        places: Where requirements are looked for.
        databases: The kinds that there are.
    """
    told: list[tuple[int, int, str]] = []
    for index, address in enumerate(addresses):
        told += [(index, rank, scheme) for rank, scheme in _told(address, given, databases)]
    told += [
        (len(told), rank, scheme)
        for variable in typed
        for rank, scheme in _of_variable(variable, given, databases)
    ]
    if not told:
        return None
    told.sort(key=lambda each: (*each[:2], each[1] == CODE and databases.is_old(each[2])))
    _, rank, first = told[0]
    same = [scheme for *_, scheme in told if databases.kind_of(scheme) == databases.kind_of(first)]
    named = next((scheme for scheme in same if "+" in scheme), None)
    if named is not None or rank < GUESSED:
        return named or first
    if not any(address.opening.is_engine for address in addresses):
        return first
    return databases.fitting(first, read_requirements(places), is_async=is_async(addresses))


def is_async(addresses: Iterable[Address]) -> bool:
    """Whether one of the application's engines is async; also where it has none that can be seen."""
    engines = [address.opening for address in addresses if address.opening.is_engine]
    return not engines or any(each.is_async for each in engines)


GIVEN, DEFAULT, SHOWN, CODE, GUESSED = range(5)


def _told(address: Address, given: Given, databases: Databases) -> Iterator[tuple[int, str]]:
    for each in address.found:
        if each.role == "part":
            continue
        if isinstance(each, Read):
            yield from _of_variable(each.variable, given, databases)
        else:
            yield from (
                (DEFAULT if each.is_default else CODE, scheme) for scheme in databases.schemes_in(each.value)
            )
    opening = address.opening
    called = databases.told_by_opening.get(last_name(opening.call.func))
    told = called or databases.told_by_package.get(opening.package)
    if told is not None:
        yield GUESSED, told


def _of_variable(variable: Variable, given: Given, databases: Databases) -> Iterator[tuple[int, str]]:
    for name in variable.names:
        yield from ((GIVEN, scheme) for scheme in databases.schemes_in(given.values.get(name)))
        for values in (given.literals, given.private, *given.shown):
            yield from ((SHOWN, scheme) for scheme in databases.schemes_in(values.get(name)))
    yield from (
        (GUESSED, scheme) for word, scheme in databases.told_by_type.items() if word in variable.annotation
    )
