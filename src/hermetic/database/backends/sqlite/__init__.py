"""SQLite: worker databases are files. See ``hermetic.database.backends.Backend``.

``server`` makes the files and keeps templates of them, ``restore`` is one worker database, ``drivers`` watch what the
project opens by a driver itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.database.backends import Code

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from hermetic.database.address import Address
    from hermetic.database.backends import Making
    from hermetic.database.drivers.seams import Put
    from hermetic.database.protocols import Server
    from hermetic.database.stored import Project, Running, Serving, Stored
    from hermetic.settings import Settings

name = "sqlite"
title = "SQLite"
driver_modules: tuple[str, ...] = ("sqlite3", "aiosqlite")
libraries: tuple[str, ...] = ("aiosqlite",)
packages: Mapping[str, str] = {"aiosqlite": "hermetic[sqlite]"}
port = 0
example = "sqlite:///path/to/file.db"
in_memory = "sqlite+aiosqlite:///:memory:"
has_schemas = False
can_serve = False
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
placeholders: Mapping[str, str] = {}
server_packages: tuple[str, ...] = ()
extra = "hermetic[sqlite]"


def put_aside(environ: MutableMapping[str, str]) -> None:
    """No variable leads elsewhere."""


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """Nothing has to go."""
    return dict(environ)


def import_before_the_clock_stops() -> None:
    """Its drivers do not mind."""


def share(settings: Settings, root: Path, directory: Path | None) -> None:
    """Each process has files of its own."""


def make_server(making: Making) -> Server:
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


def announcement(settings: Settings, root: Path) -> list[str]:
    """There is nothing to start."""
    return []


def facts(server: Server, settings: Settings, root: Path) -> list[str]:
    """Nor to say of it."""
    return []


def hints(error: BaseException) -> tuple[str, ...]:
    """What fails here fails alike elsewhere."""
    return ()


def address(url: URL, folder: str | None) -> Address:
    """Return the file, or the database in memory, that a URL means."""
    from hermetic.database.backends.sqlite.addresses import address_of

    return address_of(url, folder)


def is_named_in(text: str, address: Address, folder: str) -> bool:
    """Whether a text is a file's path, or a URL of it."""
    from hermetic.database.backends.sqlite.drivers.files import names

    return names(text, address, folder)


def planned_url(settings: Settings, folder: Path, name: str) -> URL:
    """Return the URL of a file."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(folder / f"{name}.db"))


def openings() -> Mapping[str, Callable[[str], Exception]]:
    """Return what Python tells of ``sqlite3``."""
    from sqlite3 import OperationalError

    return {"sqlite3.connect": OperationalError}


def copy_file(address: Address, worker: URL) -> bool:
    """Copy it if there are tables in it."""
    from hermetic.database.backends.sqlite.drivers.files import copied

    return copied(address.name, str(worker.database))


def async_url(url: URL) -> URL:
    """Return a URL with aiosqlite."""
    return url.set(drivername="sqlite+aiosqlite")


def sync_url(url: URL) -> URL:
    """Return a URL without a driver: that is the standard library's."""
    return url


def text(url: URL) -> str:
    """Return a URL as text."""
    return url.render_as_string(hide_password=False)


def seams() -> Mapping[str, Put]:
    """Return how ``sqlite3`` and ``aiosqlite`` are watched."""
    from hermetic.database.backends.sqlite.drivers import sqlite3

    return {"sqlite3": sqlite3.put, "aiosqlite": sqlite3.put_aiosqlite}


def reached(dialect: Dialect, connection: DBAPIConnection) -> URL:
    """Ask by ``PRAGMA database_list``."""
    from hermetic.database.backends.sqlite.drivers.files import file_of

    return file_of(connection)


def abort(dialect: Dialect, connection: DBAPIConnection) -> None:
    """Its connections can be closed in any loop."""


def close(connection: DBAPIConnection) -> None:
    """Close the tracked connection below; a statement that will not stop keeps its own open."""
    from hermetic.database.backends.sqlite.restore.connection import close

    close(connection)


def stored(project: Project) -> Stored:
    """Return what the runs of a project left."""
    from hermetic.database.backends.sqlite.db import stored

    return stored(project)


def running(project: Project) -> list[Running]:
    """There is no server."""
    return []


def clean(project: Project, *, everything: bool, dry_run: bool) -> Iterable[str]:
    """Remove kept databases, and with ``everything`` templates."""
    from hermetic.database.backends.sqlite.db import clean

    return clean(project, everything=everything, dry_run=dry_run)


def serving(project: Project, port: int | None) -> Serving:
    """Files need no server."""
    raise NotImplementedError  # pragma: no cover - see can_serve
