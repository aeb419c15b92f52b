"""Put together what ``hermetic init`` found and decide what to write. Nothing here prints, and nothing writes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.cli.files import Edit
from hermetic.cli.init.editing import Setting, add_settings
from hermetic.cli.init.environment import Environment, find_environment
from hermetic.cli.init.loops import Loops, find_faults, find_loops
from hermetic.cli.init.proposed import (
    application_settings,
    environment_settings,
    first_conftest,
    mode_settings,
    observes,
    path_settings,
    schema_settings,
)
from hermetic.cli.init.served import Served
from hermetic.cli.init.superseded import MAKING_TABLES, OF_THE_APPLICATION, Superseded, find_superseded
from hermetic.doctor.examination import Finding
from hermetic.errors import CommandError, ConfigurationError
from hermetic.source.applications import Application, made_by_tests
from hermetic.source.configuration import Configuration, find_configuration
from hermetic.source.first_migration import find_needed_table
from hermetic.source.migrations import Migrations, find_migrations
from hermetic.source.modules import Place, purpose_of
from hermetic.source.project import applications_in, other_projects, read_project
from hermetic.source.requirements import installed_version, read_loosely
from hermetic.source.roots import ImportRoot, find_root, is_installed
from hermetic.source.runner import Runner, find_runner
from hermetic.source.schema import (
    Metadata,
    find_metadata,
    find_sql,
    find_startup_migrations,
    find_startup_tables,
    running_modules,
)
from hermetic.source.sources import Sources, relative
from hermetic.source.suite_modules import loaded_by_pytest, named_plugins, with_helpers
from hermetic.source.symbols import Symbols

HERMETIC = frozenset({"hermetic", "hermetic_app"})
"""What says that a project was set up, and may have been without an application."""


@dataclass(frozen=True)
class Found:
    """An application and the names under which it can be imported.

    Attributes:
        application: Where it is.
        target: ``module:name``, as ``hermetic_app`` wants it; None where no import root gives it a name.
    """

    application: Application
    target: str | None


@dataclass(frozen=True)
class Choice:
    """The applications, and the one for which the project is set up.

    Attributes:
        found: The applications, the chosen one first.
        application: The chosen one; None where none can be named.
        root: Where its imports start.
        built: Where the suite makes an application itself, if none can be named for it.
    """

    found: tuple[Found, ...]
    application: Application | None
    root: ImportRoot | None
    built: Place | None


@dataclass(frozen=True)
class Tables:
    """What makes the tables.

    Attributes:
        metadata: The collections of tables.
        startup: Where the application itself makes tables.
        migrations: Alembic's, if there are any.
        migrating: Where the application or a fixture runs them, which would fail on tables that are there already.
        sql: The files of SQL that make tables; looked for where there is no metadata.
        needing: Where the first migration works on a table that none makes: on an empty database they cannot run.
    """

    metadata: tuple[Metadata, ...]
    startup: Place | None
    migrations: Migrations | None
    migrating: Place | None
    sql: tuple[Path, ...]
    needing: Place | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was found and what is to be written.

    Attributes:
        sources: The project.
        configuration: pytest's configuration as it is.
        choice: The applications, and the one that was chosen.
        others: The projects below the folder that was asked for which have applications, too.
        tables: What makes the tables.
        runner: Who runs async tests.
        loops: In which event loop, and what is to be said of that.
        faults: What is broken by settings of the project's own, which are kept.
        environment: What the application needs from the environment.
        superseded: What existing tests do that hermetic now does; it makes tables where a schema is named.
        lacks_server: Whether what a server of hermetic's own needs is not installed.
        missing_root: What the project's own ``pythonpath`` lacks; None when nothing is missing or it is ours to set.
        settings: What is added to the configuration.
        edits: The files to write; empty when there is nothing to do.
    """

    sources: Sources
    configuration: Configuration
    choice: Choice
    others: tuple[Path, ...]
    tables: Tables
    runner: Runner
    loops: Loops
    faults: tuple[Finding, ...]
    environment: Environment
    superseded: tuple[Superseded, ...]
    lacks_server: bool
    missing_root: str | None
    settings: tuple[Setting, ...]
    edits: tuple[Edit, ...]

    @property
    def names_an_application(self) -> bool:
        """Whether ``hermetic_app`` is set, or will be."""
        keys = {*self.configuration.values, *(setting.key for setting in self.settings)}
        return "hermetic_app" in keys

    @property
    def observes(self) -> bool:
        """Whether runs will only be observed, which promises that nothing changes."""
        return observes(self.configuration, self.settings)


def make_plan(directory: Path, installed: Callable[[str], str] = installed_version) -> Plan:
    """Look at a project and decide what it needs.

    Args:
        directory: The project, or the part of a repository that holds the application.
        installed: Returns the version of a distribution here; decides about the runner where the project does not.

    Raises:
        ConfigurationError: There is no such directory, no application in it, or a configuration file that cannot
            be read, parsed or added to.
    """
    symbols = read_project(directory)
    sources = symbols.sources
    configuration = find_configuration(sources.root, sources.boundary)
    symbols = with_helpers(symbols, named_plugins(configuration))
    sources = symbols.sources
    choice = _choose(symbols, configuration, directory)
    superseded = find_superseded(symbols, loaded_by_pytest(symbols, configuration))
    superseded = _of_the_application(superseded, symbols, configuration, choice)
    tables = _find_tables(symbols, choice, superseded)
    runner = find_runner(symbols, configuration, installed)
    loops = find_loops(runner, configuration)
    built_by_tests = choice.built is not None
    environment = find_environment(symbols, configuration, choice.application, built_by_tests=built_by_tests)
    wanted = list(_settings_of(choice, tables, environment, configuration))
    wanted += mode_settings(superseded, configuration, wanted)
    if not observes(configuration, wanted):
        wanted += loops.settings
    settings = tuple(setting for setting in wanted if setting.key not in configuration.values)
    if "hermetic_schema" not in {*configuration.values, *(setting.key for setting in settings)}:
        superseded = [line for line in superseded if line.slug not in MAKING_TABLES]
    if choice.built is not None:  # there is no engine but the tests' own
        superseded = [line for line in superseded if line.slug != "engine-per-test"]
    return Plan(
        sources=sources,
        configuration=configuration,
        choice=choice,
        others=tuple(_others(directory.resolve(), sources)),
        tables=tables,
        runner=runner,
        loops=loops,
        faults=find_faults(symbols, configuration),
        environment=environment,
        superseded=tuple(superseded),
        lacks_server=_lacks_server(environment, installed),
        missing_root=_missing_root(choice, configuration),
        settings=settings,
        edits=tuple(_edits(sources, configuration, settings)),
    )


def _choose(symbols: Symbols, configuration: Configuration, directory: Path) -> Choice:
    """Choose the application: the likeliest that can be imported, and made without arguments if there is one.

    Raises:
        ConfigurationError: There is none, the suite makes none, and no setting says that there is one.
    """
    applications = applications_in(symbols, directory)
    roots = _roots(applications, symbols.sources, configuration)
    ordered = sorted((app for app in applications if app in roots), key=lambda app: bool(app.required))
    chosen = ordered[0] if ordered else None
    built = made_by_tests(symbols, chosen)
    if not (chosen or built or HERMETIC & configuration.values.keys()):
        raise _no_application(symbols.sources, applications)
    ordered += [app for app in applications if app not in roots]
    found = tuple(
        Found(app, roots[app].target(app.file, app.name) if app in roots else None) for app in ordered
    )
    return Choice(found, chosen, roots[chosen] if chosen else None, built)


def _of_the_application(
    superseded: list[Superseded], symbols: Symbols, configuration: Configuration, choice: Choice
) -> list[Superseded]:
    """Leave out clients and lifespans of other applications than the one that ``hermetic_app`` names, or will."""
    named = configuration.values.get("hermetic_app")
    chosen = choice.application if choice.built is None else None
    application = next((each.application for each in choice.found if named and each.target == named), chosen)
    served = Served(symbols, configuration, application)
    return [
        line
        for line in superseded
        if line.slug not in OF_THE_APPLICATION
        or (isinstance(line.node, ast.Call) and served.by(line.file, line.node))
    ]


def _find_tables(symbols: Symbols, choice: Choice, superseded: list[Superseded]) -> Tables:
    file = choice.application.file if choice.application else None
    metadata = find_metadata(symbols, choice.root, file) if choice.root and file else []
    running = running_modules(symbols, file)
    migrations = find_migrations(symbols.sources, file)
    needing = find_needed_table(symbols.sources, migrations) if migrations else None
    migrating = None
    if migrations and not needing:
        migrating = find_startup_migrations(symbols, running) or _migrating_tests(superseded)
    return Tables(
        metadata=tuple(metadata),
        startup=None if choice.built else find_startup_tables(running),
        migrations=None if needing else migrations,
        migrating=migrating,
        sql=() if metadata else tuple(find_sql(symbols.sources)),
        needing=needing,
    )


def _settings_of(
    choice: Choice, tables: Tables, environment: Environment, configuration: Configuration
) -> Iterator[Setting]:
    """Return what the chosen application wants, whether or not the configuration has it."""
    if choice.application is None or choice.root is None:
        return
    if choice.built is None:
        yield from application_settings(choice.application, choice.root)
    yield from path_settings(choice.application, choice.root, configuration)
    metadata = [] if tables.migrating else list(tables.metadata)
    yield from schema_settings(metadata, tables.startup, tables.migrations, list(tables.sql), configuration)
    yield from environment_settings(environment)


def _lacks_server(environment: Environment, installed: Callable[[str], str]) -> bool:
    backend = environment.backend
    return backend is not None and not all(installed(name) for name in backend.server_packages)


def _others(directory: Path, sources: Sources) -> list[Path]:
    """List the projects below a directory that have applications, but the one that was read."""

    def has_one(file: Path) -> bool:
        _, is_production = purpose_of(file.relative_to(directory))
        return is_production and "FastAPI(" in read_loosely(file)

    return other_projects(directory, sources, has_one)


def _roots(
    applications: list[Application], sources: Sources, configuration: Configuration
) -> dict[Application, ImportRoot]:
    """Map the applications that can be imported to where their imports start."""
    configured = _configured_roots(configuration)
    roots = {app: find_root(app.file, sources, configured) for app in applications}
    return {app: root for app, root in roots.items() if root is not None}


def _configured_roots(configuration: Configuration) -> list[Path]:
    return [(configuration.path.parent / name).resolve() for name in configuration.strings("pythonpath")]


def _missing_root(choice: Choice, configuration: Configuration) -> str | None:
    application, root = choice.application, choice.root
    if application is None or root is None or "pythonpath" not in configuration.values:
        return None
    if root.directory in _configured_roots(configuration) or is_installed(root, application.file):
        return None
    return relative(root.directory, configuration.path.parent)


def _migrating_tests(superseded: list[Superseded]) -> Place | None:
    """Return the first line of the tests that runs Alembic."""
    lines = (Place(each.file, each.line) for each in superseded if each.slug == "migrations")
    return next(lines, None)


def _edits(sources: Sources, configuration: Configuration, settings: tuple[Setting, ...]) -> Iterator[Edit]:
    after = add_settings(configuration, settings)
    if settings:
        yield Edit(configuration.path, configuration.text, after)
    conftest = first_conftest(sources, configuration)
    if conftest is not None:
        yield conftest


def _no_application(sources: Sources, applications: list[Application]) -> ConfigurationError:
    hint = "name it by hand, in the ini file: hermetic_app = package.module:app"
    if applications:
        return CommandError(
            f"The application in {applications[0].file} cannot be imported under any name.",
            why="The file's name is no Python identifier.",
            hints=("rename the file", hint),
        )
    why = f"Looked for FastAPI(...) and functions that return it in {len(sources.production)} Python files"
    why += " outside tests, docs, examples, scripts and migrations."
    if sources.skipped:
        names = ", ".join(
            f"{relative(skip.path, sources.root)} ({skip.reason})" for skip in sources.skipped[:3]
        )
        why += f" Not readable as Python: {names}."
    return CommandError(
        f"No FastAPI application was found in {sources.root}.",
        why=why,
        hints=("give the directory that holds it: hermetic init DIR", hint),
    )
