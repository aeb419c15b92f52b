"""Where the toy's worker databases are made, and what one can do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.in_use import Checkout, OpenWork, RawConnection
from hermetic.database.layers import Change, Layer, Layers, Start, conflict
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.stored import Kept, kept_name, noted
from hermetic.database.templates import Build, Outdated
from hermetic.errors import HermeticError
from hermetic.events.database import ReferenceBroken
from hermetic.owners import Owner
from tests.database.backends.toy.toydb import SHELF

KEPT: dict[str, dict[str, str]] = {}
"""What is noted of the images of failed tests."""


@dataclass(eq=False, kw_only=True)
class ToyChange(Change):
    """What a fixture wrote."""

    before: bytes
    after: bytes


class ToyDatabase:
    """See ``hermetic.database.protocols.WorkerDatabase``."""

    exists = True
    is_schema_alone = False

    def broken_references(self) -> list[ReferenceBroken]:
        """It has no foreign keys."""
        return []

    def __init__(self, name: str) -> None:
        self.name = name
        self._image = f"worker/{name}"
        self._baseline = self._now = b""
        self._begun = (0, b"")
        self._layers = Layers(self)

    @property
    def _now(self) -> bytes:
        return SHELF[self._image]

    @_now.setter
    def _now(self, image: bytes) -> None:
        SHELF[self._image] = image

    @property
    def url(self) -> URL:
        """Its image, by the name on the shelf."""
        return URL.create("toy", database=self._image)

    @property
    def is_pristine(self) -> bool:
        """Whether nobody has anything in it."""
        return not self._layers.changes and not self.dirty()

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open another name than the engine would have."""
        return dialect.connect(self._image, *args[1:], **params)

    def holds(self, connection: Any) -> bool:
        """Whether that is the image that it is on."""
        return bool(connection.name == self._image)

    def reach(self, user: str | None) -> URL:
        """Nobody opens it past SQLAlchemy."""
        return self.url

    def note_raw(self, raw: RawConnection) -> None:
        """Nobody does."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """It has no locks."""

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Nor sessions."""

    def fill(self, fingerprint: Callable[[], str], build: Build, outdated: Outdated) -> str:
        """Build it; there are no templates."""
        build()
        return ""

    def mark_baseline(self) -> None:
        """Take the image as it is."""
        self._baseline = self._now

    def dirty(self) -> bool:
        """Compare images."""
        return self._now != self._baseline

    def end_open_work(self, *, of: Sequence[Owner]) -> list[OpenWork]:
        """Nothing of it is seen by others."""
        return []

    def restore(self) -> bool:
        """Put the baseline's image back."""
        is_dirty = self.dirty()
        self._now = self._baseline
        return is_dirty

    def keep(self, test: str, folder: Path) -> Kept:
        """Put a copy beside it."""
        name = kept_name(test)
        SHELF[name], KEPT[name] = self._now, noted(test, str(folder.parents[1]))
        return Kept(name, URL.create("toy", database=name))

    def begin_layer(self) -> Start:
        """See ``Layers``."""
        return self._layers.begin()

    def end_layer(self, start: Start, owner: Owner) -> Layer | None:
        """See ``Layers``."""
        return self._layers.end(start, owner)

    def remove_layer(self, layer: Layer) -> None:
        """See ``Layers``."""
        self._layers.remove(layer)

    def begin(self, number: int) -> None:
        """Remember the image."""
        self._begun = (number, self._now)

    def take(self, owner: Owner, others: Sequence[ToyChange]) -> ToyChange | None:
        """Make the image of now the baseline."""
        number, before = self._begun
        if before == self._now:
            return None
        self.mark_baseline()
        return ToyChange(number, owner, before=before, after=self._now)

    def remove(self, change: ToyChange, living: Sequence[ToyChange], ended: Sequence[ToyChange]) -> None:
        """Only the last one can be told from the others."""
        if change.after != self._baseline:
            raise conflict(change.owner, [one.owner for one in living], "an image")
        self._baseline = self._now = change.before

    def close(self) -> None:
        """Take it from the shelf."""
        SHELF.pop(self._image, None)


class ToyServer:
    """See ``hermetic.database.protocols.Server``."""

    backend = "toy"
    named: Collection[str] = ()

    def __init__(self) -> None:
        self.databases: list[WorkerDatabase] = []

    def create(self, name: str, user: str | None = None) -> ToyDatabase:
        """Put an empty image on the shelf."""
        database = ToyDatabase(name)
        self.databases.append(database)
        return database

    create_empty = create

    def look(self, owner: Owner | None = None, *, asked: str = "") -> None:
        """Nothing is ever named."""

    def explain(self, error: BaseException) -> HermeticError | None:
        """Nobody else is on it."""
        return None

    def adopt(self, name: str) -> NoReturn:
        """Nothing is ever named."""
        raise NotImplementedError(name)

    def undo(self) -> None:
        """So nothing is to be undone."""

    def drop(self, database: WorkerDatabase) -> None:
        """Take one from the shelf."""
        database.close()
        self.databases.remove(database)

    def begin(self) -> None:
        """It is there."""

    def stop(self) -> None:
        """Take all from the shelf."""
        for database in list(self.databases):
            self.drop(database)
