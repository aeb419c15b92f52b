"""Decide which settings to propose, each from what was found about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from hermetic.cli.init.alembic import Migrations
from hermetic.cli.init.application import Application
from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.editing import Setting
from hermetic.cli.init.environment import Environment
from hermetic.cli.init.replaced import Replaced
from hermetic.cli.init.roots import ImportRoot, is_installed
from hermetic.cli.init.schema import Metadata
from hermetic.cli.init.sources import Place, relative


def application_settings(
    application: Application, root: ImportRoot, configuration: Configuration
) -> Iterator[Setting]:
    """Name the application, unless it takes arguments, and where its imports start, unless it is installed."""
    if not application.required:
        yield Setting("hermetic_app", root.target(application.file, application.name))
    if not is_installed(root, application.file):
        path = relative(root.directory, configuration.path.parent)
        yield Setting("pythonpath", (path,) if configuration.is_toml else shlex.quote(path))


def schema_settings(
    metadata: list[Metadata],
    startup: Place | None,
    migrations: Migrations | None,
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
    if lines:
        yield Setting("hermetic_schema", lines if configuration.native or len(lines) > 1 else lines[0])


def environment_settings(environment: Environment) -> Iterator[Setting]:
    """Say what the database is, where no engine does in time, and set what the application cannot do without."""
    if environment.hands_out:
        yield Setting("hermetic_database", "postgresql", "What the URL below is; no engine has said so yet.")
    elif environment.is_postgresql and not environment.says_so and not environment.tells_in_time:
        yield Setting("hermetic_database", "postgresql", "No engine says so before the first request.")
    if environment.lines:
        yield Setting("hermetic_env", environment.lines)


def mode_settings(
    replaced: list[Replaced], configuration: Configuration, added: Iterable[Setting]
) -> Iterator[Setting]:
    """Start a suite that handles the database itself with observing, unless hermetic is in use already."""
    if "hermetic_app" in configuration.values:
        return
    if any(line.is_database for line in replaced):
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
