"""The seams of the database half: what a server and a worker database can do, whatever hosts them.

Each backend implements them, in its folder of ``backends``: ``worker_databases`` has the server, ``restore`` the worker
database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.in_use import Checkout, OpenWork, RawConnection
from hermetic.database.layers import Layer, Start
from hermetic.database.stored import Kept
from hermetic.database.templates import Build, Outdated
from hermetic.errors import HermeticError
from hermetic.events.database import ReferenceBroken
from hermetic.owners import Owner

T = TypeVar("T")


class Wait(Protocol):
    """How to do what waits for the locks of others: a run has their event loops turn meanwhile."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """Do it, and return what it returns."""


def as_it_is(work: Callable[[], T], /) -> T:
    """Do what waits for the locks of others where nobody else has to go on."""
    return work()


class WorkerDatabase(Protocol):
    """The database that one process uses for one target, and how it gets back to its baseline.

    Every method is synchronous, never touches the application's event loop, and may be called while that loop stands
    still.
    """

    name: str

    @property
    def url(self) -> URL:
        """The URL at which any driver of the backend reaches it (without a driver name)."""

    @property
    def exists(self) -> bool:
        """Whether it was made; one that was not is empty, and its URL is known all the same."""

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open a connection for the application, with the arguments its engine would have used elsewhere."""

    def holds(self, connection: DBAPIConnection) -> bool:
        """Whether a connection is on it, as far as its driver tells."""

    def reach(self, user: str | None) -> URL:
        """Return the URL for a driver of the project's own that wanted to log in as ``user``; it exists then."""

    def note_raw(self, raw: RawConnection) -> None:
        """Learn of a connection that such a driver opened."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Learn who uses a connection that ``open`` returned; None when it went back to its pool."""

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Forget a connection that ``open`` returned, and that was closed."""

    def fill(self, fingerprint: Callable[[], str], build: Build, outdated: Outdated) -> str:
        """Fill it: while it is empty as the template of a fingerprint where there is one, else by building it.

        Args:
            fingerprint: Tells what the contents depend on.
            build: Makes tables and rows, by way of engines that end here.
            outdated: Asked before a template of another run is used.

        Returns:
            What there is to say of where the contents come from; empty where no template was asked for.
        """

    def mark_baseline(self) -> None:
        """Make what the database holds now its baseline (after schema and seeds were built)."""

    def dirty(self) -> bool:
        """Whether anything was committed since the baseline was last in place."""

    @property
    def is_pristine(self) -> bool:
        """Whether it holds what was last marked, and no fixture's layer: nobody else has anything in it."""

    @property
    def is_schema_alone(self) -> bool:
        """Whether it holds tables, and rows in none but Alembic's own, and nobody is at work in it."""

    def broken_references(self) -> list[ReferenceBroken]:
        """Return the foreign keys of rows that refer to nothing, where the backend lets that be."""

    def end_open_work(self, *, of: Sequence[Owner]) -> list[OpenWork]:
        """End the open transactions and cursors of these owners; return what was ended."""

    def restore(self) -> bool:
        """Bring the baseline back.

        Returns:
            Whether there was anything to undo.

        Raises:
            RestoreError: Something that outlives the test blocks it: named, after a time-out, and left alone.
        """

    def keep(self, test: str, folder: Path) -> Kept:
        """Copy what it holds now to where it stays when the run is over.

        Args:
            test: Whose it is.
            folder: Where copies go that are files.

        Raises:
            NotKept: Too many are kept, or somebody who outlives the test is in the way.
        """

    def begin_layer(self) -> Start:
        """Note the state before a wider-scoped fixture's set-up; calls nest."""

    def end_layer(self, start: Start, owner: Owner) -> Layer | None:
        """Take what was written since ``start`` into the baseline; None when nothing was."""

    def remove_layer(self, layer: Layer) -> None:
        """Take a layer out of the baseline, in any order.

        Raises:
            LayerConflict: What remains does not fit together without it; names both owners.
        """

    def close(self) -> None:
        """Close every connection that is ours, and remove what the database left on disk."""


class Server(Protocol):
    """Where worker databases are made."""

    backend: str

    def create(self, name: str, user: str | None = None) -> WorkerDatabase:
        """Make a new, empty worker database.

        Args:
            name: Tells it from the others of this process.
            user: As whom the application logs in elsewhere, where the backend knows users.
        """

    @property
    def named(self) -> Collection[str]:
        """The databases on it that code under test made under names of its own."""

    def look(self, owner: Owner | None = None, *, asked: str = "") -> None:
        """Learn which those are now: a driver or a program may have made and dropped some.

        Args:
            owner: Who made those that are new; whoever is at work where None.
            asked: The name of a database that somebody is about to connect to.
        """

    def explain(self, error: BaseException) -> HermeticError | None:
        """Return why a test failed, where its error comes of what others do on the server."""

    def adopt(self, name: str) -> WorkerDatabase:
        """Return one of those, to be restored like any other."""

    def undo(self) -> None:
        """Remove those that the test made which ends now."""

    def create_empty(self, name: str, user: str | None = None) -> WorkerDatabase:
        """Make an empty database for one test, at once; nothing of ours is in it, and nothing restores it."""

    def drop(self, database: WorkerDatabase) -> None:
        """Close and remove one database that was made here."""

    def begin(self) -> None:
        """Start what takes a moment to start, in the background."""

    def stop(self) -> None:
        """Close and remove every database made here."""
