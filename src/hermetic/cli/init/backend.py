"""Which kind of database the application uses: by what its engines are given, and by default."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.bindings import last_name
from hermetic.cli.init.dataflow import Dataflow
from hermetic.cli.init.engines import Opening
from hermetic.cli.init.given import Given
from hermetic.cli.init.origins import HOLE, Place, Read, Text, as_role, role_of
from hermetic.cli.init.requirements import SCHEME, read_requirements
from hermetic.cli.init.variables import Variable

WORD = re.compile(r"(?:postgres(?:ql)?|mysql|mariadb|sqlite)(?:\+\w+)?", re.IGNORECASE)
DSNS = {"PostgresDsn": "postgresql", "MySQLDsn": "mysql", "MariaDBDsn": "mariadb"}
PACKAGES = {
    "asyncpg": "postgresql",
    "psycopg": "postgresql",
    "psycopg_pool": "postgresql",
    "psycopg2": "postgresql",
}
ASYNC = {"postgresql": ("asyncpg", "psycopg"), "mysql": ("asyncmy", "aiomysql"), "sqlite": ("aiosqlite",)}
SYNC = {"postgresql": ("psycopg", "psycopg2"), "mysql": ("pymysql",)}


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

    @property
    def is_told(self) -> bool:
        """Whether a text names the database, so that no variable must."""
        texts = (each for each in self.found if isinstance(each, Text) and each.role != "part")
        return any((each.is_exact or each.is_default) and _schemes(each.value) for each in texts)


def find_addresses(openings: Iterable[Opening], dataflow: Dataflow) -> list[Address]:
    """Follow what the openings are given; those that defaults rule out are left out."""
    found = []
    for opening in openings:
        if dataflow.conditions.is_dead(Place(opening.file, opening.call)):
            continue
        parts: list[Text | Read] = []
        for name, argument in opening.addresses:
            values = dataflow.flattened(dataflow.origins(Place(opening.file, argument)))
            parts += as_role(values, role_of(name))
        found.append(Address(opening, tuple(dict.fromkeys(parts))))
    return found


def find_scheme(
    addresses: Iterable[Address], typed: Iterable[Variable], given: Given, places: Iterable[Path]
) -> str | None:
    """Return the scheme of the application's URL, ``postgresql+asyncpg``; None where nothing tells it.

    What a variable is given when the tests run goes before its default, then what an example shows, then what stands in
    the code; a driver that is named anywhere for that kind of database is the one that is meant.

    Args:
        addresses: What the application's openings are given, the likeliest first.
        typed: Variables that are database URLs by their type.
        given: The values of variables.
        places: Where requirements are looked for.
    """
    told: list[tuple[int, int, str]] = []
    engines = [address.opening for address in addresses if address.opening.is_engine]
    for index, address in enumerate(addresses):
        told += [(index, rank, scheme) for rank, scheme in _told(address, given)]
    told += [
        (len(told), rank, scheme) for variable in typed for rank, scheme in _of_variable(variable, given)
    ]
    if not told:
        return None
    told.sort(key=lambda each: (*each[:2], each[1] == CODE and each[2] == "postgres"))  # an old name of it
    _, rank, first = told[0]
    same = [scheme for *_, scheme in told if _kind(scheme) == _kind(first)]
    named = next((scheme for scheme in same if "+" in scheme), None)
    if named is not None or rank < GUESSED:
        return named or first
    is_async = any("async" in last_name(opening.call.func) for opening in engines)
    return _with_driver(first, is_async, read_requirements(places)) if engines else first


GIVEN, DEFAULT, SHOWN, CODE, GUESSED = range(5)


def _told(address: Address, given: Given) -> Iterator[tuple[int, str]]:
    for each in address.found:
        if each.role == "part":
            continue
        if isinstance(each, Read):
            yield from _of_variable(each.variable, given)
        else:
            yield from ((DEFAULT if each.is_default else CODE, scheme) for scheme in _schemes(each.value))
    package = PACKAGES.get(address.opening.package)
    if package is not None:
        yield GUESSED, package


def _of_variable(variable: Variable, given: Given) -> Iterator[tuple[int, str]]:
    for name in variable.names:
        yield from ((GIVEN, scheme) for scheme in _schemes(given.values.get(name)))
        for values in (given.literals, given.private, given.compose, given.examples):
            yield from ((SHOWN, scheme) for scheme in _schemes(values.get(name)))
    yield from ((GUESSED, scheme) for word, scheme in DSNS.items() if word in variable.annotation)


def _schemes(value: object) -> list[str]:
    """Return the schemes that a text has in it, or is."""
    if not isinstance(value, str):
        return []
    if WORD.fullmatch(value):
        return [value.lower()]
    return [match[1] for match in SCHEME.finditer(value.replace(f"+{HOLE}", ""))]


def _kind(scheme: str) -> str:
    kind = scheme.partition("+")[0]
    return "postgresql" if kind == "postgres" else kind


def _with_driver(scheme: str, is_async: bool, requirements: str) -> str:
    """Return a scheme with a driver that the project requires."""
    drivers = (ASYNC if is_async else SYNC).get(_kind(scheme), ())
    named = (driver for driver in drivers if re.search(rf"\b{driver}\b", requirements))
    driver = next(named, drivers[0] if is_async and drivers else "")
    return f"{_kind(scheme)}+{driver}" if driver else scheme
