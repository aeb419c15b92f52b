"""What the runs of a project leave on its server: templates, databases of failed tests, and the server itself.

An embedded server must run to tell what is in its cluster: it is started for that, in 0.2 s, if the project has one.
What is served is a copy of what is kept, in memory: whatever somebody does to it is gone when it ends.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from hermetic.database.backends.postgresql.drivers.libpq import dsn
from hermetic.database.backends.postgresql.server import Instance, kept_databases, new_instance
from hermetic.database.backends.postgresql.server.external import External
from hermetic.database.backends.postgresql.server.factory import locate
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.installed import Binaries
from hermetic.database.backends.postgresql.server.instance import TEMPLATE
from hermetic.database.backends.postgresql.server.launcher.cluster import of_project
from hermetic.database.backends.postgresql.server.launcher.files import remove
from hermetic.database.backends.postgresql.server.run_dir import Address
from hermetic.database.folders import cache_directory
from hermetic.database.stored import PREFIX, Entry, Project, Stored
from hermetic.errors import CommandError, ConfigurationError


def stored(project: Project) -> Stored:
    """Return what there is."""
    with _served(project) as instance:
        templates, kept = _databases(project, instance) if instance is not None else ([], [])
    return Stored(templates, kept)


def clean(project: Project, *, everything: bool, dry_run: bool) -> list[str]:
    """Remove kept databases; with ``everything`` templates too. What all projects share stays.

    Returns:
        What was, or would be, removed.
    """
    cluster = cluster_of(project)
    if everything and cluster is not None:
        if not dry_run:
            remove(str(cluster))
        return [str(cluster)]
    with _served(project) as instance:
        if instance is None:
            return []
        templates, kept = _databases(project, instance)
        wanted = [*templates, *kept] if everything else kept
        if wanted and not dry_run:
            with instance.connect() as connection:
                for entry in wanted:
                    kept_databases.drop(connection, entry.name)
            instance.keep()
        return [f"{entry.name}  {entry.note.get('test', '')}".rstrip() for entry in wanted]


class Serving:
    """See ``hermetic.database.stored.Serving``."""

    def __init__(self, project: Project, instance: Instance, *, ends: bool) -> None:
        self.ends = ends
        self._project = project
        self._instance = instance

    def lines(self) -> list[str]:
        """Start the server and return what there is to see.

        Templates are named only where they are copies: a session in the real one keeps runs from using it.
        """
        self._instance.start()
        host = PostgresqlHost(self._instance)
        templates, kept = _databases(self._project, self._instance)
        found = [] if self._instance.is_shared else templates
        found += sorted(kept, key=lambda entry: str(entry.note.get("kept")))
        if not found:
            raise nothing_kept(self._project)
        urls = [dsn(host.url(entry.name, entry.owner)) for entry in found]
        named = [
            f"{url}  {entry.note.get('test', 'template')}" for url, entry in zip(urls, found, strict=True)
        ]
        return [*named, f"psql {shlex.quote(urls[-1])}"]

    def stop(self) -> None:
        """Let go of the server; an embedded one ends."""
        self._instance.stop()


def serving(project: Project, port: int | None) -> Serving:
    """Return what serves the project's kept databases.

    Args:
        project: Whose databases.
        port: Of the loopback; a Unix socket where None.

    Raises:
        ConfigurationError: Nothing is kept.
    """
    found = located(project)
    if isinstance(found, URL):
        return Serving(project, External(found), ends=False)
    if not isinstance(found, Binaries) or cluster_of(project) is None:
        raise nothing_kept(project)
    from hermetic.database.backends.postgresql.server.embedded import Embedded

    where = Address("", port) if port is not None else None
    instance = Embedded(
        found, project=project.root, label=project.serves, directory=project.directory, where=where
    )
    return Serving(project, instance, ends=True)


def located(project: Project) -> URL | Binaries | None:
    """Return the server's URL or programs; None for a project that has no use for them.

    Raises:
        ConfigurationError: The project names PostgreSQL, and there is none.
    """
    settings = project.settings
    try:
        return locate(settings.postgresql or "auto")
    except ConfigurationError:
        if settings.postgresql or settings.database == "postgresql":
            raise
        return None


def cluster_of(project: Project) -> Path | None:
    """Return where the project's own server's data is kept, if it is."""
    found = located(project)
    if not isinstance(found, Binaries):
        return None
    path = Path(of_project(str(project.root.resolve()), str(found.path), str(cache_directory())))
    return path if path.exists() else None


def instance_of(project: Project) -> Instance | None:
    """Return the server that has the project's databases; None where there is none."""
    if not isinstance(located(project), URL) and cluster_of(project) is None:
        return None
    setting = project.settings.postgresql or "auto"
    return new_instance(
        setting, project=project.root, label=f"hermetic db {project.root}", directory=project.directory
    )


@contextmanager
def _served(project: Project) -> Iterator[Instance | None]:
    """Have the project's server run inside the block, if it has one."""
    instance = instance_of(project)
    if instance is None:
        yield None
        return
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


def _databases(project: Project, instance: Instance) -> tuple[list[Entry], list[Entry]]:
    """Return the templates and the kept databases on a running server that are the project's."""
    whose = str(project.root) if instance.is_shared else None
    with instance.connect() as connection:
        return kept_databases.found(connection, TEMPLATE, whose), kept_databases.found(
            connection, PREFIX, whose
        )


def nothing_kept(project: Project) -> CommandError:
    """Say that there is nothing to serve, and what makes it."""
    return CommandError(
        f"no PostgreSQL databases of {project.root} are kept.", hints=("pytest --hermetic-keep-failed",)
    )
