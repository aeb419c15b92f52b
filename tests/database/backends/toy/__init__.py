"""A backend that is none of hermetic's: what one has to bring, at the least."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.database.backend import Backend, Code

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from hermetic.database.backend import Address, Making
    from hermetic.database.protocols import Server
    from hermetic.database.stored import Project, Stored
    from hermetic.settings import Settings


class Toy(Backend):
    """Images on a shelf."""

    name = "toy"
    title = "Toy"
    example = "toy://shelf/name"
    code = Code("toy", (), (), {}, {}, frozenset(), frozenset(), frozenset(), (), ("TOY",))
    tortoise_url = "toy://name"
    extra = "toy"

    def make_server(self, making: Making) -> Server:
        """Return the shelf of this process."""
        from tests.database.backends.toy.server import ToyServer

        return ToyServer()

    def announcement(self, settings: Settings, root: Path) -> list[str]:
        """Return what the header says."""
        return ["toy: a shelf of this process"]

    def facts(self, server: Server, settings: Settings, root: Path) -> list[str]:
        """Return what the summary says."""
        from tests.database.backends.toy.toydb import SHELF

        return [f"toy: {len(SHELF)} on the shelf"]

    def address(self, url: URL, folder: str | None) -> Address:
        """A name is one database, whatever the host."""
        from hermetic.database.backend import Address

        return Address("toy", url.database or "", "shelf")

    def planned_url(self, settings: Settings, folder: Path, name: str) -> URL:
        """Return the URL of an image."""
        from sqlalchemy import URL

        return URL.create("toy", database=name)

    def reached(self, dialect: Dialect, connection: DBAPIConnection) -> URL:
        """Return the image that a connection is on."""
        from sqlalchemy import URL

        from tests.database.backends.toy.toydb import Connection

        assert isinstance(connection, Connection)
        return URL.create("toy", database=connection.name)

    def stored(self, project: Project) -> Stored:
        """Return the images of failed tests."""
        from hermetic.database.stored import Entry, Stored
        from tests.database.backends.toy.server import KEPT
        from tests.database.backends.toy.toydb import SHELF

        kept = [Entry(name, "", len(SHELF[name]), dict(note)) for name, note in KEPT.items()]
        return Stored(files=[entry for entry in kept if entry.note["project"] == str(project.root)])

    def clean(self, project: Project, *, everything: bool, dry_run: bool) -> Iterable[str]:
        """Nothing outlives the process."""
        return ()


BACKEND = Toy()
