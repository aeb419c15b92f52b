"""From a project's settings to its PostgreSQL server, the same in every process of a run."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.database.backends import Making
from hermetic.database.backends.postgresql.server.factory import choose, instance_from
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.backends.postgresql.server.server import PostgresqlServer
from hermetic.errors import ConfigurationError

if TYPE_CHECKING:
    from hermetic.settings import Settings

HANDED_OVER = "HERMETIC_POSTGRESQL_RUN"
"""The variable by which a controller tells its workers of its server; each worker takes it out of its environment."""

handed_over = os.environ.pop(HANDED_OVER, None) if "PYTEST_XDIST_WORKER" in os.environ else None


def make_instance(settings: Settings, root: Path, directory: Path | None) -> Instance:
    """Return the run's server: the controller's where there is one."""
    if handed_over is not None:
        return instance_from(json.loads(handed_over))
    return choose(settings.postgresql or "auto", project=root, label=str(root), directory=directory)


def share(settings: Settings, root: Path, directory: Path | None) -> Instance | None:
    """Hold the server of a run whose worker processes are about to be started, and tell them of it.

    The one that starts it is whoever needs it first; it lives as long as any of them. Where settings name no
    PostgreSQL, none may be needed: then what is missing is no error yet.
    """
    named = settings.database == "postgresql" or settings.postgresql is not None
    if not named and not any(find_spec(driver) for driver in ("asyncpg", "psycopg", "psycopg2")):
        return None
    try:
        instance = make_instance(settings, root, directory)
        os.environ[HANDED_OVER] = json.dumps(instance.handover())
    except ConfigurationError:
        if named:
            raise
        return None
    return instance


def make_server(making: Making) -> PostgresqlServer:
    """Return where this process makes its worker databases.

    Raises:
        ConfigurationError: There is no such server.
    """
    settings = making.settings
    host = PostgresqlHost(
        make_instance(settings, making.root, making.directory),
        project=str(making.root),
        roles=settings.roles,
        extensions=settings.extensions,
        template_database=settings.template_database,
        rebuild=settings.rebuild,
        wait=making.wait,
    )
    return PostgresqlServer(host, worker=making.worker, replace=making.replace)
