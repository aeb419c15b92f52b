"""What a worker database needs of the server that hosts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import URL
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.kept import Kept
from hermetic.database.protocols import Wait

if TYPE_CHECKING:
    import psycopg

Replace = Callable[[Any, Sequence[DBAPIConnection] | None], None]
"""Tells the pools that connections of a worker database are gone: these, or (None) all."""


class Host(Protocol):
    """Makes, copies and drops databases; implemented in ``backends/postgresql/server/host.py``."""

    @property
    def privileged(self) -> bool:
        """Whether the administrator is a superuser."""

    @property
    def wait(self) -> Wait:
        """Does what waits for the locks of the application."""

    @property
    def version(self) -> int:
        """The server's, as ``server_version_num`` has it."""

    def describe_end(self) -> str:
        """Say what the server wrote last."""

    def url(self, database: str, user: str) -> URL:
        """Where a database is reached; known before the server runs."""

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Open a connection as administrator, in autocommit."""

    def create(self, database: str, owner: str, template: str | None = None) -> None:
        """Make a database, as a copy of another one."""

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected."""

    def rename(self, database: str, name: str) -> None:
        """Give a database another name."""

    def end_sessions(self, database: str, pids: Sequence[int] | None = None) -> None:
        """End the sessions in a database, these or all, and wait until they are gone."""

    def strangers(self, database: str, known: Callable[[], Sequence[int]], looks: int) -> list[str]:
        """Name who is connected to a database beside those whose processes are known, at the last of several looks."""

    def wait_until_gone(self, pids: Sequence[int]) -> None:
        """Wait until the server lists a session no more, which has ended on our side."""

    def place(self, database: str) -> str | None:
        """Return the place in the write-ahead log, asked without a session in a database; None where that is gone."""

    def waiting(self, database: str) -> list[tuple[int, list[int]]]:
        """Return the sessions in a database that wait for a lock, each with those that hold it."""

    def cancel(self, pid: int) -> bool:
        """Cancel what a session is doing if it waits for a lock; return whether it did."""

    def template(self, fingerprint: str) -> str | None:
        """Return the name of the template of this fingerprint, if there is one."""

    def note(self, template: str) -> dict[str, Any]:
        """Return what is noted of a template."""

    def is_of_this_run(self, note: Mapping[str, Any]) -> bool:
        """Whether this run, in whatever process, built the template of that note."""

    def keep_as_template(self, database: str, fingerprint: str, inputs: Mapping[str, Any]) -> bool:
        """Copy a database to the template of this fingerprint, unless somebody stays connected to it."""

    def keep(self, database: str, owner: str, test: str) -> Kept:
        """Copy the database of a failed test to one that stays; see ``WorkerDatabase.keep``."""

    def exclusively(self, what: str) -> AbstractContextManager[None]:
        """Let one process of all that use this server do something at a time."""

    def role_for(self, wanted: str) -> str:
        """Return the role that a connection of this user gets."""

    def undoes(self, role: str) -> bool:
        """Whether a change of a role is this process's to undo; says so at the end where it is, and may not be undone.

        Args:
            role: Its name, quoted where it needs it; ``ALL`` for what was set for all of them.
        """

    def forget_altered_roles(self) -> None:
        """What this process's sessions did to roles is undone."""
