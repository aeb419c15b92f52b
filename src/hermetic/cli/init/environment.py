"""Find the environment variables without which the application does not even import.

Only where nothing gives them a value when the tests run. Those that name a database are always written, for hermetic
leads every engine to a database of its own whatever the URL says. A variable is a database's if what is read there
reaches an engine or a driver, or if its type says so: a name tells nothing (``SENTRY_DSN``). Others (a secret key) are
written as a committed file shows them for the tests (tox.ini, say), and else are listed: their values are not ours to
invent. A ``.env`` file is never copied, for it holds secrets.

An engine is given a URL that only says which database is meant: a run without database tests starts none. A driver that
the application calls itself is not seen. It must be given the URL to go to, or it would go where the settings of the
machine lead it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.cli.databases import DATABASES, FOREIGN_TORTOISE_URL
from hermetic.database.backend import DEFAULT_BACKEND, Backend, every_backend, find_backend
from hermetic.source.applications import Application
from hermetic.source.bindings import Bindings
from hermetic.source.configuration import Configuration
from hermetic.source.dataflow import Dataflow
from hermetic.source.engines import (
    Address,
    Opening,
    find_addresses,
    find_openings,
    find_scheme,
    is_async,
    made_when_imported,
)
from hermetic.source.environ import Variable
from hermetic.source.required_variables import HOSTS, find_needs, needed_by
from hermetic.source.requirements import read_requirements
from hermetic.source.schema import running_modules
from hermetic.source.settings_classes import Fields
from hermetic.source.startup import when_imported, when_started
from hermetic.source.symbols import Reference, Symbols
from hermetic.source.variable_values import UNCLEAR, Given, find_given, without_password

LED = frozenset(driver for each in every_backend() for driver in each.driver_modules)
"""The drivers whose connections hermetic leads to its own databases."""


@dataclass(frozen=True)
class Environment:
    """What the application needs from the environment, and conftests for the databases that they open.

    Attributes:
        lines: ``NAME=value`` for ``hermetic_env``.
        needs: Where those are read, in the same order.
        unknown: Variables without a default whose values only the project knows.
        elsewhere: Those that only a compose file gives, or a ``.env`` that no code loads.
        scheme: Of the database's URL, with the name of a driver.
        tells_in_time: Whether an engine is made while the application is imported, which says what the database is.
        shown: The files whose values were taken as they are, by variable.
    """

    lines: tuple[str, ...]
    needs: tuple[Variable, ...]
    unknown: tuple[Variable, ...]
    elsewhere: tuple[Variable, ...]
    scheme: str = DATABASES.fitting(DEFAULT_BACKEND, "", is_async=True)
    tells_in_time: bool = False
    shown: Mapping[str, Path] = field(default_factory=dict)

    @property
    def hands_out(self) -> bool:
        """Whether a line has hermetic's own URL in it."""
        return any("{" in line for line in self.lines)

    @property
    def backend(self) -> Backend | None:
        """What the application's database is; None where hermetic makes none of that kind."""
        return find_backend(DATABASES.kind_of(self.scheme))

    @property
    def needs_a_server(self) -> bool:
        """Whether a server holds it."""
        return self.backend is not None and bool(self.backend.server_packages)

    @property
    def says_so(self) -> bool:
        """Whether a line tells a run what the database is."""
        code = self.backend.code if self.backend is not None else None
        names = (code.name, *code.old) if code is not None else ()
        return any(f"={name}" in line for line in self.lines for name in names)


def find_environment(
    symbols: Symbols,
    configuration: Configuration,
    application: Application | None = None,
    *,
    built_by_tests: bool = False,
) -> Environment:
    """List what the application's settings need before it can be imported.

    Args:
        symbols: The project's names.
        configuration: pytest's settings.
        application: The application; what it does not import is none of its needs. None: everything is looked at.
        built_by_tests: Whether the suite makes the application itself.
    """
    production = symbols.sources.production
    running = running_modules(symbols, application.file if application else None)
    openings = find_openings(running, symbols, DATABASES)
    if not openings:
        running, openings = production, find_openings(production, symbols, DATABASES)
    # What a command beside the application stores in the settings, which somebody typed, is not what they are here.
    bindings = Bindings(symbols, running)
    # A suite that builds the application makes its settings, too, with values of its own.
    makers = Bindings(symbols, [*production, *symbols.sources.tests]) if built_by_tests else bindings
    fields = Fields(makers)
    given = find_given(bindings, fields, configuration, DATABASES)
    dataflow = Dataflow(bindings, fields, given.values, given.clear_examples)
    addresses = find_addresses(openings, dataflow)
    files = [application.file] if application else [module.path for module in production]
    imported = when_imported(files, _factory(application, symbols), symbols)
    needs = find_needs(when_started(imported, symbols), addresses, dataflow, given, DATABASES, LED)
    places = (symbols.sources.root, configuration.path.parent)
    scheme = find_scheme(addresses, needs.typed, given, places, DATABASES)
    if scheme is None and application is None:
        scheme = _of_tests(symbols, fields, given, places)
    scheme = scheme or DATABASES.guessed(symbols.sources, places, is_async=is_async(addresses))
    handed = url_placeholder(openings, scheme)
    urls = [*needs.urls, *(each for each in needs.driven if handed and each not in needs.urls)]
    values = {each: handed or _url(each, addresses, given, places, scheme) for each in urls}
    values |= {each: _part(each, given) for each in needs.parts}
    values |= dict.fromkeys(needs.switches, "true")
    for each, url in _opened_by_conftests(symbols, fields, given):
        if each.name not in {other.name for other in values}:
            values[each] = url
    shown = {each: value for each in needs.unwritten if (value := given.shown_for_tests(each)) is not None}
    values |= {each: value.text for each, value in shown.items()}
    known = sorted(values, key=lambda each: (each.file, each.line))
    return Environment(
        tuple(f"{each.name}={values[each]}" for each in known),
        tuple(known),
        tuple(each for each in needs.unknown if each not in shown),
        tuple(each for each in needs.elsewhere if each not in shown),
        scheme,
        made_when_imported([each.opening for each in addresses], imported, bindings),
        {each.name: value.file for each, value in shown.items()},
    )


def _of_tests(symbols: Symbols, fields: Fields, given: Given, places: tuple[Path, ...]) -> str | None:
    """Return the scheme of what the tests of a library open."""
    tests = symbols.sources.tests
    dataflow = Dataflow(Bindings(symbols, tests), fields, given.values)
    return find_scheme(
        find_addresses(find_openings(tests, symbols, DATABASES), dataflow), (), given, places, DATABASES
    )


def _opened_by_conftests(symbols: Symbols, fields: Fields, given: Given) -> Iterator[tuple[Variable, str]]:
    """Yield the variables by which conftests open databases, where only files of the project's show their URLs.

    What nothing shows is left out: it may be a switch, without which tests are skipped.
    """
    conftests = [module for module in symbols.sources.tests if module.path.name == "conftest.py"]
    dataflow = Dataflow(Bindings(symbols, conftests), fields, given.values)
    for address in find_addresses(find_openings(conftests, symbols, DATABASES), dataflow):
        for variable in needed_by(address, given, DATABASES):
            url = _shown_url(variable, given)
            if url is not None:
                yield variable, url


def _factory(application: Application | None, symbols: Symbols) -> Iterator[tuple[Path, ast.AST]]:
    if application is not None and application.is_factory:
        definition = symbols.definition(Reference(application.file, application.name))
        assert definition is not None, "it was found by its definition"
        yield application.file, definition


def _url(
    variable: Variable, addresses: list[Address], given: Given, places: tuple[Path, ...], scheme: str
) -> str:
    """Return a URL for a variable: one that the project shows, else one of the right kind."""
    url = _shown_url(variable, given)
    if url is not None:
        return url
    own = [each for each in addresses if any(read.variable == variable for read in each.variables)]
    told = find_scheme(own, [variable], given, places, DATABASES)
    scheme = told or DATABASES.fitting(scheme, read_requirements(places), is_async=is_async(own))
    backend = find_backend(DATABASES.kind_of(scheme))
    if own and all(each.opening.package == "tortoise" for each in own):  # it has schemes of its own
        return FOREIGN_TORTOISE_URL if backend is None else backend.tortoise_url
    in_memory = backend is not None and backend.in_memory
    return f"{scheme}:///:memory:" if in_memory else f"{scheme}://localhost/app"


def _shown_url(variable: Variable, given: Given) -> str | None:
    """Return the URL that the project shows for a variable, without its password; None where it shows none."""
    for values in given.shown:
        text = next((values[name] for name in variable.names if name in values), UNCLEAR)
        if DATABASES.scheme.match(text) and not any(mark in text for mark in (UNCLEAR, "{", "<")):
            return without_password(text)
    return None


def _part(variable: Variable, given: Given) -> str:
    """Return a host, port, user or name for a URL that hermetic leads elsewhere anyway."""
    if "PASS" not in variable.name and "PWD" not in variable.name:
        for values in given.shown:
            text = next((values[name] for name in variable.names if name in values), UNCLEAR)
            if text and UNCLEAR not in text:
                return text
    if "PORT" in variable.name or "int" in variable.annotation:
        return "5432"
    return "localhost" if any(word in variable.name for word in HOSTS) else "app"


def url_placeholder(openings: Iterable[Opening], scheme: str) -> str:
    """Return what stands for the URL in ``hermetic_env``; empty where a fixed one will do.

    Args:
        openings: Where the application opens databases.
        scheme: Of the URL that the application expects.
    """
    found = list(openings)
    backend = find_backend(DATABASES.kind_of(scheme))
    if backend is None or not backend.placeholders:
        return ""
    if not any(each.package in backend.code.packages for each in found):
        return ""
    if not any(each.is_engine for each in found):
        return "{dsn}"  # drivers take no name of a driver in a URL
    return backend.placeholders.get(scheme, "{dsn}")
