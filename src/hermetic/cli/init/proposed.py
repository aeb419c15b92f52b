"""Decide which settings to propose, each from what was found about it, and whether a first ``conftest.py`` is made.

hermetic needs no conftest: its fixtures come with the plugin. A project without any gets one because that is where a
reader looks for fixtures, and so that the tests' directory exists.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from hermetic.cli.files import Edit
from hermetic.cli.init.editing import Setting
from hermetic.cli.init.environment import Environment
from hermetic.cli.init.superseded import Superseded
from hermetic.code import TEST_FOLDERS
from hermetic.source.applications import Application
from hermetic.source.configuration import Configuration
from hermetic.source.migrations import Migrations
from hermetic.source.modules import Place
from hermetic.source.roots import ImportRoot, is_installed
from hermetic.source.schema import Metadata
from hermetic.source.sources import Sources, relative


def application_settings(application: Application, root: ImportRoot) -> Iterator[Setting]:
    """Name the application, unless it takes arguments."""
    if not application.required:
        yield Setting("hermetic_app", root.target(application.file, application.name))


def path_settings(
    application: Application, root: ImportRoot, configuration: Configuration
) -> Iterator[Setting]:
    """Say where the application's imports start, unless it is installed."""
    if not is_installed(root, application.file):
        path = relative(root.directory, configuration.path.parent)
        yield Setting("pythonpath", (path,) if configuration.is_toml else shlex.quote(path))


def schema_settings(
    metadata: list[Metadata],
    startup: Place | None,
    migrations: Migrations | None,
    sql: list[Path],
    configuration: Configuration,
) -> Iterator[Setting]:
    """Name what makes the tables where there is one answer; several are the user's to choose from."""
    lines: tuple[str, ...] = ()
    if len(metadata) == 1:
        lines = (metadata[0].target,)
    elif not metadata and migrations:
        lines = migrations.lines(configuration.path.parent)
    elif not metadata and startup:
        lines = ("lifespan",)
    elif not metadata and len(sql) == 1:
        lines = (relative(sql[0], configuration.path.parent),)
    if lines:
        yield Setting("hermetic_schema", lines if configuration.native or len(lines) > 1 else lines[0])


def _is_told(environment: Environment) -> bool:
    return environment.says_so or environment.tells_in_time


def environment_settings(environment: Environment) -> Iterator[Setting]:
    """Say what the database is, where no engine does in time, and set what the application cannot do without."""
    backend = environment.backend
    if environment.hands_out and backend is not None:
        yield Setting("hermetic_database", backend.name, "What the URL below is; no engine has said so yet.")
    elif backend is not None and environment.needs_a_server and not _is_told(environment):
        yield Setting("hermetic_database", backend.name, "No engine says so before the first request.")
    if environment.lines:
        yield Setting("hermetic_env", environment.lines)


def mode_settings(
    superseded: list[Superseded], configuration: Configuration, added: Iterable[Setting]
) -> Iterator[Setting]:
    """Start a suite that handles the database itself with observing, unless hermetic is in use already."""
    if "hermetic_app" in configuration.values:
        return
    if any(line.is_database for line in superseded):
        yield Setting(
            "hermetic", "observe", "Reports what `on` would do and changes nothing; the next step is: on"
        )
    elif all(setting.key != "hermetic_app" for setting in added):
        yield Setting(
            "hermetic", "on", "Without hermetic_app, too: the tests build their applications themselves."
        )


def observes(configuration: Configuration, added: Iterable[Setting]) -> bool:
    """Whether runs will only be observed."""
    mode = next((setting.value for setting in added if setting.key == "hermetic"), None)
    return configuration.values.get("hermetic", mode) == "observe"


TEXT = '''"""Fixtures of the tests.

async_client, async_db_session and async_test_db come with hermetic: `pytest --fixtures` describes them.
"""
'''


def first_conftest(sources: Sources, configuration: Configuration) -> Edit | None:
    """Return the conftest to make; None when there is one anywhere, or the project was set up without one."""
    if "hermetic_app" in configuration.values:
        return None
    if any(
        path.name == "conftest.py" for path in (*sources.modules, *(skip.path for skip in sources.skipped))
    ):
        return None
    path = _tests_directory(sources, configuration) / "conftest.py"
    return None if path.exists() else Edit(path, None, TEXT)


def _tests_directory(sources: Sources, configuration: Configuration) -> Path:
    for name in configuration.strings("testpaths"):
        directory = configuration.path.parent / name
        if directory.is_dir() and directory.resolve().is_relative_to(sources.root):
            return directory
    existing = {
        parent
        for module in sources.tests
        for parent in module.path.parents
        if parent.name in TEST_FOLDERS and parent.is_relative_to(sources.root) and parent != sources.root
    }
    return min(
        existing, key=lambda path: (len(path.parts), path), default=_home(sources, configuration) / "tests"
    )


def _home(sources: Sources, configuration: Configuration) -> Path:
    directory = configuration.path.parent
    return directory if directory.is_relative_to(sources.root) else sources.root
