"""SQLite: worker databases are files. See ``hermetic.database.backend.Backend``.

``worker_databases`` makes the files, ``template_files`` keeps templates of them, ``restore`` is one worker database,
``drivers`` watch what the project opens by a driver itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.database.backend import Backend, Code

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from hermetic.database.backend import Address, Making
    from hermetic.database.driver_seams import Put
    from hermetic.database.protocols import Server
    from hermetic.database.stored import Project, Stored
    from hermetic.settings import Settings


class Sqlite(Backend):
    """Worker databases are files."""

    name = "sqlite"
    title = "SQLite"
    driver_modules: tuple[str, ...] = ("sqlite3", "aiosqlite")
    libraries: tuple[str, ...] = ("aiosqlite",)
    packages: Mapping[str, str] = {"aiosqlite": "hermetic[sqlite]"}
    example = "sqlite:///path/to/file.db"
    in_memory = "sqlite+aiosqlite:///:memory:"
    keeps_time_zones = False
    code = Code(
        name="sqlite",
        others=(),
        old=(),
        asynchronous={"aiosqlite": "aiosqlite"},
        synchronous={},
        packages=frozenset({"aiosqlite", "sqlite3"}),
        telling=frozenset(),
        openings=frozenset({"SQLiteEngine"}),
        types=(),
        words=("SQLITE",),
        blocking=frozenset({"pysqlite", "pysqlcipher"}),
        in_memory=frozenset({"", ":memory:"}),
    )
    tortoise_url = "sqlite://:memory:"
    extra = "hermetic[sqlite]"

    def make_server(self, making: Making) -> Server:
        """Return where this process makes its files."""
        from hermetic.database.backends.sqlite.drivers.files import url_of
        from hermetic.database.backends.sqlite.template_files import TemplateFiles
        from hermetic.database.backends.sqlite.worker_databases import SqliteServer

        return SqliteServer(
            directory=making.directory,
            wait=making.wait,
            may_export=lambda file: making.may_export(url_of(file, uri=False)),
            templates=TemplateFiles(making.root, rebuild=making.settings.rebuild),
        )

    def address(self, url: URL, folder: str | None) -> Address:
        """Return the file, or the database in memory, that a URL means."""
        from hermetic.database.backends.sqlite.drivers.files import address_of

        return address_of(url, folder)

    def is_named_in(self, text: str, address: Address, folder: str) -> bool:
        """Whether a text is a file's path, or a URL of it."""
        from hermetic.database.backends.sqlite.drivers.files import names

        return names(text, address, folder)

    def planned_url(self, settings: Settings, folder: Path, name: str) -> URL:
        """Return the URL of a file."""
        from sqlalchemy import URL

        return URL.create("sqlite", database=str(folder / f"{name}.db"))

    def openings(self) -> Mapping[str, Callable[[str], Exception]]:
        """Return what Python tells of ``sqlite3``."""
        from sqlite3 import OperationalError

        return {"sqlite3.connect": OperationalError}

    def copy_file(self, address: Address, worker: URL) -> bool:
        """Copy it if there are tables in it."""
        from hermetic.database.backends.sqlite.drivers.files import copied

        return copied(address.name, str(worker.database))

    def async_url(self, url: URL) -> URL:
        """Return a URL with aiosqlite."""
        return url.set(drivername="sqlite+aiosqlite")

    def seams(self) -> Mapping[str, Put]:
        """Return how ``sqlite3`` and ``aiosqlite`` are watched."""
        from hermetic.database.backends.sqlite.drivers import sqlite3

        return {"sqlite3": sqlite3.put, "aiosqlite": sqlite3.put_aiosqlite}

    def reached(self, dialect: Dialect, connection: DBAPIConnection) -> URL:
        """Ask by ``PRAGMA database_list``."""
        from hermetic.database.backends.sqlite.drivers.files import file_of

        return file_of(connection)

    def close(self, connection: DBAPIConnection) -> None:
        """Close the tracked connection below; a statement that will not stop keeps its own open."""
        from hermetic.database.backends.sqlite.restore.connection import close

        close(connection)

    def stored(self, project: Project) -> Stored:
        """Return what the runs of a project left."""
        from hermetic.database.backends.sqlite.db import stored

        return stored(project)

    def clean(self, project: Project, *, everything: bool, dry_run: bool) -> Iterable[str]:
        """Remove kept databases, and with ``everything`` templates."""
        from hermetic.database.backends.sqlite.db import clean

        return clean(project, everything=everything, dry_run=dry_run)


BACKEND = Sqlite()
