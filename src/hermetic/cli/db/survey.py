"""What a project's runs keep, and which servers live now.

An embedded server must run to tell what is in its cluster: it is started for that, in 0.2 s, if the project has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.cli.db.project import Project
from hermetic.database.backends.postgresql.server import Instance
from hermetic.database.backends.postgresql.server.catalogue import Entry, entries
from hermetic.database.backends.postgresql.server.host import TEMPLATE
from hermetic.database.backends.postgresql.server.running import Running, running
from hermetic.database.backends.sqlite.restore import keeping
from hermetic.database.backends.sqlite.server import TemplateFiles
from hermetic.database.kept import PREFIX


@dataclass(frozen=True)
class Survey:
    """What there is.

    Attributes:
        templates: Databases with schema and seed rows, SQLite's files too.
        kept: Databases of failed tests.
        files: Those of them that are SQLite's.
        servers: Servers of runs, of all projects of this user.
    """

    templates: list[Entry] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    files: list[Entry] = field(default_factory=list)
    servers: list[Running] = field(default_factory=list)


def survey(project: Project) -> Survey:
    """Look at what a project has."""
    servers = living(project)
    with served(project) as instance:
        templates, kept = databases(project, instance) if instance is not None else ([], [])
    return Survey([*templates, *template_files(project)], kept, files(project), servers)


def living(project: Project) -> list[Running]:
    """Return the servers of runs that live now."""
    return running([project.directory] if project.directory else [])


@contextmanager
def served(project: Project) -> Iterator[Instance | None]:
    """Have the project's server run inside the block, if it has one."""
    instance = project.instance()
    if instance is None:
        yield None
        return
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


def databases(project: Project, instance: Instance) -> tuple[list[Entry], list[Entry]]:
    """Return the templates and the kept databases on a running server that are the project's."""
    whose = str(project.root) if instance.is_shared else None
    with instance.connect() as connection:
        return entries(connection, TEMPLATE, whose), entries(connection, PREFIX, whose)


def template_files(project: Project) -> list[Entry]:
    """Return the templates of SQLite."""
    found = []
    for path, note in TemplateFiles(project.root).templates():
        with suppress(FileNotFoundError):  # a run has dropped it since
            found.append(Entry(str(path), "", path.stat().st_size, note))
    return found


def files(project: Project) -> list[Entry]:
    """Return the kept files of SQLite."""
    return [
        Entry(str(path), "", path.stat().st_size, note)
        for name, note in keeping.notes(project.kept).items()
        if (path := Path(project.kept, f"{name}.db")).exists()
    ]
