"""The seam of PostgreSQL servers: what an instance can do, whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import URL

PREFIX = "hermetic_w_"
"""What the names of worker databases start with: ``hermetic_w_RUN-ID_WORKER``. They belong to one run."""

TEMPLATE = "hermetic_t_"
"""What those of templates start with: ``hermetic_t_FINGERPRINT``. They stay for the next run."""


@dataclass(frozen=True)
class Facts:
    """What was learnt of a server when it was started or reached.

    Attributes:
        version: As ``server_version_num`` has it: 180006.
        source: Where it comes from, for people; no password.
        locale: How texts are ordered, for people.
        is_superuser: Whether the administrator's role is one.
        max_connections: How many may be open at once, on the whole server.
    """

    version: int
    source: str
    locale: str
    is_superuser: bool
    max_connections: int


class Instance(Protocol):
    """A PostgreSQL server of a run, embedded or elsewhere. Knows nothing of schemas and tables.

    Attributes:
        administrator: The role that administers.
        run_id: The run's, a short hexadecimal number, the same in all of its processes.
        is_shared: Whether others use the server too.
    """

    administrator: str
    run_id: str
    is_shared: bool

    @property
    def password(self) -> str | None:
        """The administrator's password, where there is one."""

    def url(self, database: str, user: str, password: str | None = None) -> URL:
        """Return the URL of a database, without a driver. Known before the server is started; asks no server."""

    def begin(self) -> None:
        """Start in the background, without waiting. Idempotent."""

    def start(self) -> Facts:
        """Wait until it is up. Idempotent; any thread, any process of the run.

        Raises:
            ConfigurationError: It does not start; the server's own words are in it.
        """

    def connect(self, database: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """Open an autocommit connection of the administrator.

        Args:
            database: None is the maintenance database, which no test uses.
            options: For ``psycopg.connect``.
        """

    def keep(self) -> None:
        """Ask that databases made on it are there in the project's next run (embedded; elsewhere they are anyway)."""

    def handover(self) -> dict[str, str]:
        """Return what another process of the run needs for ``instance_from``."""

    def drop_dead_databases(self) -> list[str]:
        """Drop the worker databases of dead runs; return their names."""

    def is_alone(self) -> bool:
        """Whether no other run uses it."""

    def last_words(self) -> str:
        """Return what the server wrote last, where that can be known."""

    def stop(self) -> None:
        """Let go of it. The last process of the run that does leaves nothing behind. Idempotent."""
