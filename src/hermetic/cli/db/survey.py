"""What the runs of a project left, of every backend, and which servers live now; and the lines that say so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hermetic.database.backend import every_backend
from hermetic.database.stored import Entry, Project, Running


@dataclass(frozen=True)
class Survey:
    """What there is.

    Attributes:
        templates: Databases with schema and seed rows.
        kept: Databases of failed tests that are on a server.
        files: Those of them that are files.
        servers: Servers of runs, of all projects of this user.
    """

    templates: list[Entry] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    files: list[Entry] = field(default_factory=list)
    servers: list[Running] = field(default_factory=list)


def survey(project: Project) -> Survey:
    """Look at what a project has."""
    servers = living(project)  # before one is started to be asked
    found = [each.stored(project) for each in every_backend()]
    return Survey(
        [entry for each in found for entry in each.templates],
        [entry for each in found for entry in each.kept],
        [entry for each in found for entry in each.files],
        servers,
    )


def living(project: Project) -> list[Running]:
    """Return the servers of runs that live now."""
    return [server for each in every_backend() for server in each.running(project)]


def as_text(survey: Survey) -> Iterator[str]:
    """Yield a line for each thing: its kind, its name, its size, since when, whose."""
    for entry in survey.templates:
        yield _line("template", entry, "built", "project")
    for entry in (*survey.kept, *survey.files):
        yield _line("kept", entry, "kept", "test")
    for server in survey.servers:
        yield f"server    {server.home}  process {server.process}  {server.label}".rstrip()


def as_json(survey: Survey) -> Iterator[str]:
    """Yield one document."""
    document = {
        "templates": [_plain(entry) for entry in survey.templates],
        "kept": [_plain(entry) for entry in (*survey.kept, *survey.files)],
        "servers": [
            {"home": str(server.home), "process": server.process, "label": server.label}
            for server in survey.servers
        ],
    }
    yield json.dumps(document, indent=2)


def talk(survey: Survey) -> Iterator[str]:
    """Yield what to do next, if there is something to do."""
    if not (survey.templates or survey.kept or survey.files or survey.servers):
        yield "nothing is kept, and no server runs"
    if survey.kept:
        yield "to look at them: hermetic db start"


def _line(kind: str, entry: Entry, since: str, whose: str) -> str:
    when = f"{since} {entry.note.get(since, 'some time ago')}"
    return f"{kind:<9} {entry.name}  {entry.size / 1e6:.1f} MB  {when}  {entry.note.get(whose, '')}".rstrip()


def _plain(entry: Entry) -> dict[str, Any]:
    return {"name": entry.name, "bytes": entry.size, **entry.note}
