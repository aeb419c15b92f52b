"""What an application's database holds before the first test: its schema, then its seed rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic import application
from hermetic.settings import Settings
from hermetic.threads import in_thread

if TYPE_CHECKING:
    from sqlalchemy import URL

    from hermetic.database.backend import Address
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.schema import Schema


@dataclass(frozen=True)
class Line:
    """A line of ``hermetic_schema`` or ``hermetic_seed``: ``spec``, or ``spec -> URL``.

    Attributes:
        spec: What makes tables, or rows.
        url: The one database in which it does; None: in each.
        address: That database's.
    """

    spec: str
    url: URL | None = None
    address: Address | None = None


def lines_of(settings: Settings, root: Path) -> dict[str, list[Line]]:
    """Read the lines of ``hermetic_schema`` and ``hermetic_seed``, by key.

    Raises:
        ConfigurationError: What stands behind an arrow is no URL.
    """
    return {
        key: [_line(text, key, root) for text in texts]
        for key, texts in (("hermetic_schema", settings.schema), ("hermetic_seed", settings.seed))
    }


def _line(text: str, key: str, root: Path) -> Line:
    from hermetic.database.address import address_of
    from hermetic.database.redirect import parse_url

    spec, arrow, target = (part.strip() for part in text.partition("->"))
    if not arrow:
        return Line(spec)
    url = parse_url(target, key)
    return Line(spec, url, address_of(url, str(root)))


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
    def find(
        cls,
        settings: Settings,
        root: Path,
        app: Callable[[], Any],
        addresses: Collection[Address] | None = None,
    ) -> Contents:
        """Find what the settings name, or what stands in its place.

        Args:
            settings: The project's.
            root: The project's folder.
            addresses: The database's, of which some lines of the settings may name one; None: any database's.
            app: Returns the application, whose start-up may be what makes the tables; None: there is none.

        Raises:
            ConfigurationError: Something that is named does not exist, or several things could be meant.
        """
        from hermetic.database.backend import packages_by_module
        from hermetic.database.schema import schemas

        package = settings.app.partition(":")[0].partition(".")[0] if settings.app else None
        specs, seeds = (
            [line.spec for line in lines if addresses is None or line.address in (None, *addresses)]
            for lines in lines_of(settings, root).values()
        )
        found: list[Schema] = []
        if specs or not settings.schema:
            found = schemas(specs, root=root, package=package, run_lifespan=lambda: _start_and_stop(app()))
        functions = {
            seed: application.resolve(seed, key="hermetic_seed", packages=packages_by_module)
            for seed in seeds
        }
        return cls(settings, root, found, functions)

    @property
    def descriptions(self) -> tuple[str, ...]:
        """What makes the tables, for people."""
        return tuple(schema.description for schema in self.schemas)

    def tables(self) -> dict[str, frozenset[str]]:
        """Return the tables that each ``MetaData`` has now, by its path; more of them may come with later imports."""
        return {
            schema.description: frozenset(schema.metadata.tables)
            for schema in self.schemas
            if schema.metadata is not None
        }

    @property
    def are_made_by_a_start_up(self) -> bool:
        """Whether the application's own start-up makes the tables."""
        return any(schema.is_start_up for schema in self.schemas)

    @property
    def are_all_made_by_a_start_up(self) -> bool:
        """Whether nothing else makes any, and no rows are written."""
        return (
            not self.seeds and self.are_made_by_a_start_up and all(each.is_start_up for each in self.schemas)
        )

    def build(self, database: WorkerDatabase) -> dict[str, Any]:
        """Make the tables and write the rows.

        Returns:
            What to note with a template of them: what ``outdated`` looks at.

        Raises:
            ConfigurationError: Something of the project's raised; its own frames are in the message.
        """
        from hermetic.database.backend import backend_of, packages_by_module
        from hermetic.database.schema import build_reads, inputs
        from hermetic.database.schema.call import call

        built_by = partial(
            application.built_by,
            place=str(database.url.database),
            packages=packages_by_module,
            hints=backend_of(database.url).hints,
        )
        doubts: list[str] = []
        with build_reads.noted() as read:
            for schema in self.schemas:
                with built_by("hermetic_schema", schema.description):
                    doubts += schema.build(database) or ()
            for seed, function in self.seeds.items():
                with built_by("hermetic_seed", seed):
                    call(function, database, key="hermetic_seed")
        if read.processes and not self.settings.fingerprint:
            names = (f"{name} ({relpath(place, self.root)})" for name, place in sorted(read.processes))
            doubts.append(f"what {', '.join(names)} read is not known; hermetic_fingerprint names it")
        return inputs.note_of(read, self._places(), self.root, doubts)

    def outdated(self, note: Mapping[str, Any]) -> str:
        """Return why a template with this note may hold something else today; empty if it holds the same."""
        from hermetic.database.schema import inputs

        return inputs.outdated(note, self.root)

    def fingerprint(self, database: WorkerDatabase) -> str:
        """Return a short name for all that the contents of a database depend on.

        Raises:
            NoTemplate: It cannot be told: a listener of a table's making, say, that reads the database.
        """
        from hermetic.database.templates import NoTemplate, digest

        try:
            return digest(self._texts(database))
        except Exception as error:
            raise NoTemplate(
                f"since it cannot be told what it would depend on ({type(error).__name__}: {error})"
            ) from error

    def _texts(self, database: WorkerDatabase) -> Iterator[str]:
        from hermetic import __version__
        from hermetic.database.schema import inputs

        settings = self.settings
        yield from (__version__, str(self.root), repr(settings.env))
        yield from (*settings.extensions, *settings.roles, str(settings.template_database))
        yield from (*(schema.description for schema in self.schemas), *self.seeds, *settings.fingerprint)
        for schema in self.schemas:
            yield from schema.texts(database)
        yield from inputs.of_places(self._places(), self.root)
        yield from inputs.of_packages()

    def _places(self) -> Iterator[Path]:
        """Return files and folders that the contents are known to depend on."""
        from hermetic.database.schema import inputs

        for schema in self.schemas:
            yield from schema.places()
        for seed, function in self.seeds.items():
            yield from inputs.of_function(seed, function)
        yield from inputs.globbed(self.root, self.settings.fingerprint)
        yield self.root / ".env"


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
