"""A worker database as the tests of PostgreSQL use it: an application's view, and a superuser's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch
from weakref import ref

import psycopg
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.code import Location
from hermetic.database.backends.postgresql.drivers.asking import Psycopg
from hermetic.database.backends.postgresql.restore.worker import PostgresqlDatabase
from hermetic.database.backends.postgresql.server.external import External
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer
from hermetic.database.in_use import Maker, RawConnection
from hermetic.database.layers import Layer
from hermetic.database.templates import Built
from hermetic.errors import HermeticError
from hermetic.owners import Kind, Owner, Scope
from hermetic.steps import every_step
from tests.database.backends.postgresql.restore.dumping import Dump, dump

WORLD = (Path(__file__).parent / "world.sql").read_text(encoding="utf-8")

PLAIN = "hermetic_plain"

TEST = Maker(Owner("test_it", "test", "function"), Location("test_it.py", 1, "test_it"))
"""Whose the connections are that stand for a driver's own."""

Level = Literal["superuser", "plain"]
Connection = psycopg.Connection[Any]


@dataclass(eq=False)
class Opened:
    """One worker database.

    Attributes:
        database: What is tested.
        place: The server.
    """

    database: PostgresqlDatabase
    place: Place
    _open: ExitStack = field(default_factory=ExitStack)
    _looks: Connection | None = None

    def connect(self, *, autocommit: bool = True, **options: Any) -> Connection:
        """Open a connection as the application does, closed at the end of the test."""
        self.database.ensure()
        url = self.database.url.render_as_string(hide_password=False)
        opened: Connection = psycopg.connect(url, autocommit=autocommit, **options)
        self._open.callback(opened.close)
        self.database.note_raw(RawConnection(Psycopg(), TEST, url, None, None, ref(opened), lambda: None))
        return opened

    def run(self, *statements: str) -> None:
        """Commit statements, each in a transaction of its own, as the application does."""
        with closing(self.connect()) as connection:
            for statement in statements:
                connection.execute(statement)

    def build(self, schema: str) -> Built:
        """Commit what makes a template."""
        self.run(schema)
        return Built()

    def look(self, database: str) -> AbstractContextManager[Connection]:
        """Look at a database as a superuser, in a session of which no trace is left afterwards."""
        return self.place.look(database)

    def rows(self, query: str) -> list[Any]:
        """Read something, as a superuser; a row of one column is its value."""
        with self._looking() as connection:
            found = connection.execute(query).fetchall()
        return [row[0] if len(row) == 1 else row for row in found]

    def dump(self) -> Dump:
        """Return everything that it holds."""
        with self._looking() as connection:
            return dump(connection)

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        """Look at it; a superuser's session stays, in which a dump takes a quarter of the time.

        For hermetic it is one that lies idle in a pool, and is ended as those are.
        """
        if self.place.level == "plain":
            with self.look(self.database.name) as connection:
                yield connection
            return
        if self._looks is None or not _answers(self._looks):
            self._looks = self.place.superuser.connect(self.database.name)
            seen = ref(self._looks)
            self.database.note_raw(RawConnection(Psycopg(), TEST, "", None, None, seen, lambda: self.place))
        yield self._looks

    def layer(self, name: str, *statements: str) -> Layer:
        """Have a wider fixture write something in its set-up."""
        start = self.database.begin_layer()
        self.run(*statements)
        made = self.database.end_layer(start, fixture(name))
        assert made is not None
        return made

    def is_left_as(self, before: Dump) -> bool:
        """Close the application's connections, restore, and say whether it holds just that, and no fixture's layer."""
        self._open.close()
        with suppress(HermeticError, psycopg.Error):
            self.database.restore()
            return self.database.is_pristine and self.dump() == before
        return False

    def close(self) -> None:
        """Close the application's connections and drop the database."""
        self._open.close()
        if self._looks is not None:
            self._looks.close()
        self.database.close()


@dataclass(eq=False)
class Pools:
    """Stands where the pools of the process are told which connections are gone."""

    replaced: list[Sequence[DBAPIConnection] | None] = field(default_factory=list)
    replace: Callable[[Any, Sequence[DBAPIConnection] | None], None] = lambda database, connections: None

    def __call__(self, database: Any, connections: Sequence[DBAPIConnection] | None) -> None:
        """Note it, and pass it on."""
        self.replaced.append(connections)
        self.replace(database, connections)


@dataclass(eq=False)
class Place:
    """A PostgreSQL server where worker databases are made by a role with or without a superuser's rights."""

    level: Level
    instance: Instance
    superuser: Instance
    pools: Pools = field(default_factory=Pools)
    _servers: dict[str, PostgresqlServer] = field(default_factory=dict)
    _made: list[PostgresqlDatabase] = field(default_factory=list)
    _used: dict[str, tuple[Opened, Dump]] = field(default_factory=dict)
    _ends: Connection | None = None

    @contextmanager
    def used(self, schema: str) -> Iterator[tuple[Opened, Dump]]:
        """Yield a worker database that served other tests, and what it held before them; after one that fails, another.

        To make one and to look at what it holds takes longer than most tests that change one thing and restore it.
        """
        if schema not in self._used:
            self._used[schema] = self._dumped(schema)
        try:
            yield self._used[schema]
        except BaseException:
            self._used.pop(schema)[0].close()
            raise

    @contextmanager
    def lent(self, schema: str) -> Iterator[Opened]:
        """Yield the same for a test that puts back what it does, as a fixture, which is not told that a test failed."""
        made, before = self._used.pop(schema) if schema in self._used else self._dumped(schema)
        yield made
        if made.is_left_as(before):
            self._used[schema] = made, before
        else:
            made.close()

    def _dumped(self, schema: str) -> tuple[Opened, Dump]:
        made = self.database(schema)
        made.database.ensure()
        return made, made.dump()

    def database(self, schema: str = "", **settings: Any) -> Opened:
        """Make a worker database that holds what a script makes; it is built once for all tests that name it.

        Args:
            schema: The script.
            settings: Of the host.
        """
        key = sha256(repr((self.level, schema, settings)).encode()).hexdigest()[:16]
        if key not in self._servers:
            host = PostgresqlHost(self.instance, project=key, **settings)
            self._servers[key] = PostgresqlServer(host, worker="main", replace=self.pools)
        database = self._servers[key].create(f"hermetic_{key[:4]}_{len(self._made) + 1}")
        self._made.append(database)
        opened = Opened(database, self)
        if schema:
            database.fill(lambda: key, lambda: opened.build(schema), lambda note: "")
        return opened

    @contextmanager
    def look(self, database: str) -> Iterator[Connection]:
        """Look at a database as a superuser; no trace of it is left, for a plain role could not end such a session."""
        with self.superuser.connect(database) as connection:
            pid = connection.info.backend_pid
            yield connection
        if self._ends is None or not _answers(self._ends):
            self._ends = self.superuser.connect()  # of the maintenance database, where it is in nobody's way
        self._ends.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def stop(self) -> None:
        """Drop everything; what stays open, where something fails, warns in whichever test comes next."""
        ends = [self._ends.close] if self._ends is not None else []
        with patch.object(self.instance, "stop"), every_step() as step:  # it is the whole suite's
            for end in (
                *ends,
                *(used.close for used, _ in self._used.values()),
                *(database.close for database in self._made),
                *(server.stop for server in self._servers.values()),
            ):
                with step:
                    end()


def _answers(connection: Connection) -> bool:
    with suppress(psycopg.OperationalError):
        return bool(connection.execute("SELECT 1"))
    return False


def plain_place(instance: Instance) -> Place:
    """Return a server as a role sees it that may make databases and no more."""
    with instance.connect() as connection:
        connection.execute(f"CREATE ROLE {PLAIN} LOGIN CREATEDB")
    return Place("plain", External(instance.url("postgres", PLAIN)), instance)


def fixture(name: str, scope: Scope = "module", kind: Kind = "fixture") -> Owner:
    """Make the owner that a wider fixture is."""
    return Owner(f"fixture {name!r}", kind, scope)
