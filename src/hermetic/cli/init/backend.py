"""Which kind of database the application uses: by what its engines are given, and by default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.init.bindings import last_name
from hermetic.cli.init.dataflow import Dataflow
from hermetic.cli.init.engines import Opening
from hermetic.cli.init.given import Given
from hermetic.cli.init.origins import Place, Read, Text, as_role, role_of
from hermetic.cli.init.requirements import read_requirements
from hermetic.cli.init.schemes import fitting, kind_of, schemes_in
from hermetic.cli.init.variables import Variable

DSNS = {"PostgresDsn": "postgresql", "MySQLDsn": "mysql", "MariaDBDsn": "mariadb"}
PACKAGES = {
    "asyncpg": "postgresql",
    "psycopg": "postgresql",
    "psycopg_pool": "postgresql",
    "psycopg2": "postgresql",
}


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
        return any((each.is_exact or each.is_default) and schemes_in(each.value) for each in texts)


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
    addresses: Sequence[Address], typed: Iterable[Variable], given: Given, places: Iterable[Path]
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
    for index, address in enumerate(addresses):
        told += [(index, rank, scheme) for rank, scheme in _told(address, given)]
    told += [
        (len(told), rank, scheme) for variable in typed for rank, scheme in _of_variable(variable, given)
    ]
    if not told:
        return None
    told.sort(key=lambda each: (*each[:2], each[1] == CODE and each[2] == "postgres"))  # an old name of it
    _, rank, first = told[0]
    same = [scheme for *_, scheme in told if kind_of(scheme) == kind_of(first)]
    named = next((scheme for scheme in same if "+" in scheme), None)
    if named is not None or rank < GUESSED:
        return named or first
    if not any(address.opening.is_engine for address in addresses):
        return first
    return fitting(first, read_requirements(places), is_async=is_async(addresses))


def is_async(addresses: Iterable[Address]) -> bool:
    """Whether one of the application's engines is async; also where it has none that can be seen."""
    engines = [last_name(address.opening.call.func) for address in addresses if address.opening.is_engine]
    return not engines or any("async" in name for name in engines)


GIVEN, DEFAULT, SHOWN, CODE, GUESSED = range(5)


def _told(address: Address, given: Given) -> Iterator[tuple[int, str]]:
    for each in address.found:
        if each.role == "part":
            continue
        if isinstance(each, Read):
            yield from _of_variable(each.variable, given)
        else:
            yield from ((DEFAULT if each.is_default else CODE, scheme) for scheme in schemes_in(each.value))
    package = PACKAGES.get(address.opening.package)
    if package is not None:
        yield GUESSED, package


def _of_variable(variable: Variable, given: Given) -> Iterator[tuple[int, str]]:
    for name in variable.names:
        yield from ((GIVEN, scheme) for scheme in schemes_in(given.values.get(name)))
        for values in (given.literals, given.private, *given.shown):
            yield from ((SHOWN, scheme) for scheme in schemes_in(values.get(name)))
    yield from ((GUESSED, scheme) for word, scheme in DSNS.items() if word in variable.annotation)
