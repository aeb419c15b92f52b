"""What an application's database holds before the first test: its schema, then its seed rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic import application
from hermetic.settings import Settings
from hermetic.threads import in_thread

if TYPE_CHECKING:
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.schema import Schema


@dataclass(frozen=True)
class Contents:
    """What fills a database. Made by ``find``.

    Attributes:
        settings: The project's.
        root: The project's folder.
        schemas: What makes the tables.
        seeds: What writes the first rows, by the lines of ``hermetic_seed``.
    """

    settings: Settings
    root: Path
    schemas: Sequence[Schema]
    seeds: Mapping[str, Callable[..., Any]]

    @classmethod
    def find(cls, settings: Settings, root: Path, app: Callable[[], Any]) -> Contents:
        """Find what the settings name, or what stands in its place.

        Args:
            settings: The project's.
            root: The project's folder.
            app: Returns the application, whose start-up may be what makes the tables; None: there is none.

        Raises:
            ConfigurationError: Something that is named does not exist, or several things could be meant.
        """
        from hermetic.database.schema import schemas

        package = settings.app.partition(":")[0].partition(".")[0] if settings.app else None
        found = schemas(
            settings.schema, root=root, package=package, run_lifespan=lambda: _start_and_stop(app())
        )
        seeds = {seed: application.resolve(seed, key="hermetic_seed") for seed in settings.seed}
        return cls(settings, root, found, seeds)

    @property
    def descriptions(self) -> tuple[str, ...]:
        """What makes the tables, for people."""
        return tuple(schema.description for schema in self.schemas)

    @property
    def are_made_by_a_start_up(self) -> bool:
        """Whether the application's own start-up makes the tables."""
        return any(schema.is_start_up for schema in self.schemas)

    @property
    def are_all_made_by_a_start_up(self) -> bool:
        """Whether nothing else makes any, and no rows are written."""
        return not self.seeds and all(schema.is_start_up for schema in self.schemas)

    def build(self, database: WorkerDatabase) -> None:
        """Make the tables and write the rows.

        Raises:
            ConfigurationError: Something of the project's raised; its own frames are in the message.
        """
        from hermetic.database.schema.call import call

        place = str(database.url.database)
        for schema in self.schemas:
            with application.built_by("hermetic_schema", schema.description, place=place):
                schema.build(database)
        for seed, function in self.seeds.items():
            with application.built_by("hermetic_seed", seed, place=place):
                call(function, database, key="hermetic_seed")

    def fingerprint(self, database: WorkerDatabase) -> str:
        """Return a short name for all that the contents of a database depend on."""
        from hermetic.database.digest import digest

        return digest(self._texts(database))

    def _texts(self, database: WorkerDatabase) -> Iterator[str]:
        from hermetic import __version__
        from hermetic.database.schema import fingerprint

        settings = self.settings
        yield from (__version__, str(self.root))
        yield from (*settings.extensions, *settings.roles, str(settings.template_database))
        yield from (*(schema.description for schema in self.schemas), *self.seeds, *settings.fingerprint)
        for schema in self.schemas:
            yield from schema.texts(database)
        yield from fingerprint.of_places(self._places(), self.root)

    def _places(self) -> Iterator[Path]:
        """Return files and folders that the contents are known to depend on."""
        from hermetic.database.schema import fingerprint

        for schema in self.schemas:
            yield from schema.places()
        for function in self.seeds.values():
            yield from fingerprint.of_function(function, self.root)
        yield from fingerprint.globbed(self.root, self.settings.fingerprint)


def _start_and_stop(app: Any) -> None:
    """Run an application's start-up and its shutdown, once."""
    from hermetic.client import Lifespan

    if app is None:
        return

    async def start_and_stop() -> None:
        lifespan = Lifespan(app)
        await lifespan.start()
        await lifespan.stop()

    in_thread(lambda: asyncio.run(start_and_stop()))
