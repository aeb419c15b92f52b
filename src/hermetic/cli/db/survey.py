"""What the runs of a project left, of every backend, and which servers live now."""

from __future__ import annotations

from dataclasses import dataclass, field

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
