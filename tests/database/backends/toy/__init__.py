"""A backend that is none of hermetic's: what one has to bring, at the least."""

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

name = "toy"
title = "Toy"
driver_modules: tuple[str, ...] = ()
libraries: tuple[str, ...] = ()
packages: Mapping[str, str] = {}
port = 0
example = "toy://shelf/name"
in_memory = ""
has_schemas = False
code = Code("toy", (), (), {}, {}, frozenset(), frozenset(), frozenset(), (), ("TOY",))
tortoise_url = "toy://name"
placeholders: Mapping[str, str] = {}
server_packages: tuple[str, ...] = ()
extra = "toy"
can_serve = False


def put_aside(environ: MutableMapping[str, str]) -> None:
    """It reads no variables."""


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """It reads none."""
    return dict(environ)


def import_before_the_clock_stops() -> None:
    """It needs no clock."""


def share(settings: Settings, root: Path, directory: Path | None) -> None:
    """Each process has a shelf."""


def make_server(making: Making) -> Server:
    """Return the shelf of this process."""
    from tests.database.backends.toy.server import ToyServer

    return ToyServer()


def announcement(settings: Settings, root: Path) -> list[str]:
    """Return what the header says."""
    return ["toy: a shelf of this process"]


def facts(server: Server, settings: Settings, root: Path) -> list[str]:
    """Return what the summary says."""
    from tests.database.backends.toy.toydb import SHELF

    return [f"toy: {len(SHELF)} on the shelf"]


def hints(error: BaseException) -> tuple[str, ...]:
    """Its errors say all."""
    return ()


def address(url: URL, folder: str | None) -> Address:
    """A name is one database, whatever the host."""
    from hermetic.database.address import Address

    return Address("toy", url.database or "", "shelf")


def is_named_in(text: str, address: Address, folder: str) -> bool:
    """It has no files."""
    return False


def planned_url(settings: Settings, folder: Path, name: str) -> URL:
    """Return the URL of an image."""
    from sqlalchemy import URL

    return URL.create("toy", database=name)


def openings() -> Mapping[str, Callable[[str], Exception]]:
    """It has no files."""
    return {}


def copy_file(address: Address, worker: URL) -> bool:
    """It has no files."""
    return False


def async_url(url: URL) -> URL:
    """There is one driver."""
    return url


def sync_url(url: URL) -> URL:
    """There is one driver."""
    return url


def text(url: URL) -> str:
    """Return a URL as text."""
    return str(url)


def seams() -> Mapping[str, Put]:
    """Nobody opens it past SQLAlchemy."""
    return {}


def reached(dialect: Dialect, connection: DBAPIConnection) -> URL:
    """Return the image that a connection is on."""
    from sqlalchemy import URL

    from tests.database.backends.toy.toydb import Connection

    assert isinstance(connection, Connection)
    return URL.create("toy", database=connection.name)


def abort(dialect: Dialect, connection: DBAPIConnection) -> None:
    """It is bound to no loop."""


def close(connection: DBAPIConnection) -> None:
    """No database is without a name."""


def stored(project: Project) -> Stored:
    """Return the images of failed tests."""
    from hermetic.database.stored import Entry, Stored
    from tests.database.backends.toy.server import KEPT
    from tests.database.backends.toy.toydb import SHELF

    kept = [Entry(name, "", len(SHELF[name]), dict(note)) for name, note in KEPT.items()]
    return Stored(files=[entry for entry in kept if entry.note["project"] == str(project.root)])


def running(project: Project) -> list[Running]:
    """There is no server."""
    return []


def clean(project: Project, *, everything: bool, dry_run: bool) -> Iterable[str]:
    """Nothing outlives the process."""
    return ()


def serving(project: Project, port: int | None) -> Serving:
    """Nothing is served."""
    raise NotImplementedError
