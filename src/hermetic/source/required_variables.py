"""Which variables of the environment the application cannot do without, and that nothing gives."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hermetic.source.databases import Databases
from hermetic.source.dataflow import Dataflow
from hermetic.source.engines import Address
from hermetic.source.environ import ENVIRONMENTS, Reading, Variable, outside, readings, words_of_readers
from hermetic.source.mandatory_reads import gives_up, is_demanded, may_be_missing
from hermetic.source.origins import Expression, Text
from hermetic.source.startup import Startup
from hermetic.source.syntax import is_none, literal
from hermetic.source.variable_values import Given

Readings = Sequence[tuple[ast.expr, Reading]]
SWITCH = "TESTING"
PORT = "PORT"
HOSTS = ("HOST", "SERVER")
"""What variables that name a host have in their names."""


@dataclass(frozen=True)
class Needs:
    """Variables, by what they are for.

    Attributes:
        urls: Databases' URLs without which nothing works, and that nothing gives.
        driven: Databases' URLs that reach a driver which the application calls itself, given or not.
        typed: Those that are databases' URLs by their type, given or not.
        parts: Hosts, names and the like of databases that are led elsewhere, where nothing gives them.
        switches: ``TESTING``, where it is read and nothing gives it.
        unknown: What only the project knows.
        elsewhere: What of that only a compose file gives, or a ``.env`` that no code loads.
    """

    urls: tuple[Variable, ...]
    driven: tuple[Variable, ...]
    typed: tuple[Variable, ...]
    parts: tuple[Variable, ...]
    switches: tuple[Variable, ...]
    unknown: tuple[Variable, ...]
    elsewhere: tuple[Variable, ...]

    @property
    def unwritten(self) -> tuple[Variable, ...]:
        """Those whose values cannot be made up."""
        return (*self.unknown, *self.elsewhere)


def find_needs(
    startup: Startup,
    addresses: list[Address],
    dataflow: Dataflow,
    given: Given,
    databases: Databases,
    led: Container[str],
) -> Needs:
    """Sort the variables that the application reads.

    Args:
        startup: What runs before the first request.
        addresses: What its openings of databases are given.
        dataflow: Asked for names.
        given: The values that variables have.
        databases: The kinds of databases that there are.
        led: The drivers whose connections are led elsewhere, as those of engines are.
    """
    words = words_of_readers(dataflow.symbols)
    modules = dataflow.symbols.sources.modules
    reading = sorted(file for file in startup.files if modules[file].mentions(*words))
    read = {file: list(readings(file, dataflow.bindings)) for file in reading}
    everything, early = _variables(startup, read, dataflow)
    optional = {key for file, found in read.items() for key in _optional(file, found, dataflow)}

    def missing(variables: Iterable[Variable]) -> Iterator[Variable]:
        return (each for each in variables if (each.file, each.name) not in optional and not given.has(each))

    whole = [each.variable for address in addresses for each in address.variables if each.role == "whole"]
    typed = [each for each in everything if any(word in each.annotation for word in databases.told_by_type)]
    named = (
        []
        if all(address.found for address in addresses)
        else [each for each in early if databases.variable.search(each.name)]
    )
    needed = [each for address in addresses for each in needed_by(address, given, databases)]
    urls = _unique([*needed, *(each for each in missing([*whole, *typed, *named]) if each.required)])
    parts = _unique(
        each
        for each in missing(_parts(addresses, led))
        if (each.required or _is_an_empty_part(each)) and each not in urls
    )
    known = {SWITCH, *(each.name for each in (*urls, *parts))}
    unknown = _unique(each for each in missing(early) if each.required and each.name not in known)
    return Needs(
        urls,
        _unique(_driven(addresses)),
        _unique(typed),
        parts,
        _unique(each for each in everything if each.name == SWITCH and not given.has(each)),
        tuple(each for each in unknown if not given.is_shown(each)),
        tuple(each for each in unknown if given.is_shown(each)),
    )


def _variables(
    startup: Startup, read: Mapping[Path, Readings], dataflow: Dataflow
) -> tuple[list[Variable], list[Variable]]:
    """Return all variables that the modules read, and those that they read before the first request."""
    fields = [each for each in dataflow.fields.variables.values() if each.file in startup.files]
    pairs = [pair for file, found in read.items() for pair in _read(file, found, dataflow)]
    early = [variable for variable, function in pairs if function is None or function in startup.functions]
    return [*(variable for variable, _ in pairs), *fields], [*early, *fields]


def _parts(addresses: Iterable[Address], led: Container[str]) -> Iterator[Variable]:
    """Yield the hosts, names and the like that are needed by what is led elsewhere."""
    for address in addresses:
        if address.opening.is_engine or address.opening.package in led:
            yield from (each.variable for each in address.variables if each.role != "whole")


def _is_an_empty_part(variable: Variable) -> bool:
    """Whether a default makes no URL: pydantic and others refuse one without a host, and no number is an empty port."""
    empty = isinstance(variable.default, ast.Constant) and variable.default.value == ""
    return empty and any(word in variable.name for word in (*HOSTS, PORT))


def _driven(addresses: Iterable[Address]) -> Iterator[Variable]:
    """Yield the URLs that reach a driver without an engine."""
    for address in addresses:
        if not address.opening.is_engine:
            yield from (each.variable for each in address.variables if each.role == "whole")


def needed_by(address: Address, given: Given, databases: Databases) -> Iterator[Variable]:
    """Yield the variable that an address is nothing without, where the code itself does not say so."""
    whole = [each.variable for each in address.variables if each.role == "whole"]
    if not address.is_told(databases) and not any(each.can_be_missing or given.has(each) for each in whole):
        yield from whole[:1]


def _unique(variables: Iterable[Variable]) -> tuple[Variable, ...]:
    """Return variables once each, at the place where one is required if there is such a place."""
    found: dict[str, Variable] = {}
    for each in variables:
        if each.name not in found or (each.required and not found[each.name].required):
            found[each.name] = each
    return tuple(found.values())


def _read(file: Path, read: Readings, dataflow: Dataflow) -> Iterator[tuple[Variable, ast.AST | None]]:
    """Yield the variables that a module's code reads, each with the function that does."""
    for node, found in read:
        names = (
            [] if dataflow.conditions.is_dead(Expression(file, node)) else _names(file, found.name, dataflow)
        )
        for name in names:
            required = found.required or is_demanded(file, node, dataflow.bindings)
            yield (
                replace(found.variable(name, file, node), required=required),
                dataflow.bindings.function(file, node),
            )


def _names(file: Path, name: ast.expr, dataflow: Dataflow) -> list[str]:
    """Return the names that are read: a literal, or those that a loop goes through."""
    text = literal(name)
    if text is not None:
        return [text]
    origins = dataflow.origins(Expression(file, name))
    texts = [each.value for each in origins if isinstance(each, Text) and each.is_exact]
    return [text for text in texts if isinstance(text, str) and text.isidentifier()]


def _optional(file: Path, read: Readings, dataflow: Dataflow) -> Iterator[tuple[Path, str]]:
    """Yield the variables that a module can do without: read with a default, before an ``or``, or after an ``in``."""
    for node, found in read:
        text = literal(found.name)
        if text is not None and found.default is not None and not is_none(found.default):
            yield file, (found.prefix + text).upper()
        elif may_be_missing(file, node, dataflow.bindings):
            yield from ((file, (found.prefix + name).upper()) for name in _names(file, found.name, dataflow))
    for compared in dataflow.symbols.sources.modules[file].of(ast.Compare):
        if isinstance(compared.ops[0], ast.In | ast.NotIn):
            outer = dataflow.bindings.parents(file).get(compared)
            goes_on = isinstance(outer, ast.IfExp) or (isinstance(outer, ast.If) and not gives_up(outer.body))
            demands = isinstance(compared.ops[0], ast.NotIn) and not goes_on
            if not demands and outside(file, compared.comparators[0], dataflow.symbols) in ENVIRONMENTS:
                yield from ((file, name.upper()) for name in _names(file, compared.left, dataflow))
