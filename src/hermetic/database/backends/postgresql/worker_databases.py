"""Where PostgreSQL worker databases are made; see ``hermetic.database.protocols.Server``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, ExceptionContext, event
from sqlalchemy.engine import Engine

from hermetic.database.backend import Making
from hermetic.database.backends.postgresql.new_databases import MadeDatabases
from hermetic.database.backends.postgresql.restore.connected import Replace
from hermetic.database.backends.postgresql.restore.created import CreatedDatabase, EmptyPostgresqlDatabase
from hermetic.database.backends.postgresql.restore.sessions import (
    Session,
    leaves_traces,
    of_a_database,
    of_a_role,
)
from hermetic.database.backends.postgresql.restore.worker import PostgresqlDatabase
from hermetic.database.backends.postgresql.server.factory import make_instance
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import PREFIX
from hermetic.database.protocols import WorkerDatabase
from hermetic.database.templates import digest
from hermetic.errors import ConfigurationError, HermeticError
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import Noted
from hermetic.owners import Owner
from hermetic.steps import every_step

A_TEST = Owner("a test", "test", "function")
"""Whose a database is that appears while no wider fixture is set up."""
_ONESELF = frozenset({"current_user", "current_role", "session_user"})


class PostgresqlServer:
    """Makes worker databases on one PostgreSQL server.

    Args:
        host: The server.
        worker: Which process of the run this is: ``main``, or the xdist worker's name.
        replace: Tells the pools which connections are gone.
    """

    backend = "postgresql"

    def __init__(self, host: PostgresqlHost, *, worker: str, replace: Replace) -> None:
        self.host = host
        host.roles.is_alone = worker == "main"
        self._worker = worker
        self._replace = replace
        self._databases: list[PostgresqlDatabase] = []
        self._is_listening = False
        self.made = MadeDatabases(host, self._forget)

    def create(self, name: str, user: str | None = None) -> PostgresqlDatabase:
        """Say where a worker database will be; it is made when it is first needed.

        Args:
            name: Tells it from the others of this process.
            user: As whom the application logs in elsewhere.
        """
        owner = self.host.owner_for(user)
        return self._added(PostgresqlDatabase(self._full(name), self.host, owner, self._replace))

    def create_empty(self, name: str, user: str | None = None) -> PostgresqlDatabase:
        """Make an empty database without a baseline, at once; see ``create``."""
        owner = self.host.owner_for(user)
        database = self._added(EmptyPostgresqlDatabase(self._full(name), self.host, owner, self._replace))
        database.ensure()
        return database

    def drop(self, database: WorkerDatabase) -> None:
        """Close and drop a database that was made here."""
        database.close()
        self._databases = [each for each in self._databases if each is not database]

    def _full(self, name: str) -> str:
        return f"{PREFIX}{self.host.instance.run_id}_{self._worker}{name.removeprefix('hermetic')}"

    def _added(self, database: PostgresqlDatabase) -> PostgresqlDatabase:
        self._databases.append(database)
        self._listen()
        return database

    def _listen(self) -> None:
        if not self._is_listening:
            self._is_listening = True
            event.listen(Engine, "before_cursor_execute", self._read)
            event.listen(Engine, "after_cursor_execute", self._read_done)
            event.listen(Engine, "handle_error", self._explain)

    @property
    def named(self) -> Collection[str]:
        """The databases that code under test made by ``CREATE DATABASE``."""
        return self.made.names

    def look(self, owner: Owner | None = None, *, asked: str = "") -> None:
        """Learn which databases code under test made and dropped; see ``MadeDatabases``."""
        self.made.look(owner, asked=asked)

    def adopt(self, name: str) -> PostgresqlDatabase:
        """Return a database that code under test made, to be restored like any other."""
        database = CreatedDatabase(
            *(name, self.host, self.host.owner_of(name), self._replace, self._full(f"_{digest([name])}")),
            is_of_a_test=self.made.is_of_a_test(name),
            look=self.made.look,
        )
        if not self.made.is_there(name):
            database.disappear()
        self._databases.append(database)
        return database

    def undo(self) -> None:
        """Drop the databases that a test made itself."""
        if {database.newest for database in self._databases} - {None, self.made.newest}:
            self.made.look(A_TEST)
        with every_step() as step:
            for name in self.made.of_tests():
                with step:
                    self.made.drop(name)

    def explain(self, error: BaseException) -> HermeticError | None:
        """Return why a database cannot be made, where another process has one of its name."""
        return self.made.explain(error)

    def begin(self) -> None:
        """Start the server in the background."""
        self.host.instance.begin()

    def stop(self) -> None:
        """Drop every database made here, and let go of the server."""
        if self._is_listening:
            event.remove(Engine, "before_cursor_execute", self._read)
            event.remove(Engine, "after_cursor_execute", self._read_done)
            event.remove(Engine, "handle_error", self._explain)
            self._is_listening = False
        with every_step() as step:
            for end in (self._drop_all, self.host.close, self.host.instance.stop):
                with step:
                    end()

    def _drop_all(self) -> None:
        """Drop what was made here; a server that is gone has nothing to drop, and each test has said so."""
        if not self.host.is_used:
            return
        from psycopg import OperationalError

        with suppress(OperationalError, ConfigurationError):
            self.made.drop_all()
            databases = [each for each in self._databases if each.exists]
            self._databases.clear()
            for database in databases:
                database.close()

    def _read(
        self, connection: Connection, cursor: object, statement: str, parameters: object, *more: object
    ) -> None:
        """Note what leaves something in a session that a check-in does not undo; let go of what is to be dropped."""
        if connection.dialect.name != "postgresql":
            return
        if leaves_traces(statement):
            for _, session in self._of(connection):
                session.changed = True
        role = of_a_role(statement)
        if role is not None:
            for database, _ in self._of(connection):
                self.host.roles.altered.add(database.owner if role in _ONESELF else role)
        whole = of_a_database(statement)
        if whole is not None and any(self._of(connection)):
            self._disconnect_for(*whole)

    def _disconnect_for(self, verb: str, name: str) -> None:
        """Let go of what is to be dropped; refuse where that is another process's."""
        if verb == "drop":
            self.made.refuse_to_drop(name)
        for database in self._called(name):
            database.disconnect_for_drop()

    def _read_done(
        self, connection: Connection, cursor: object, statement: str, parameters: object, *more: object
    ) -> None:
        """Note which databases code under test made and dropped: after the statement, which may fail."""
        if connection.dialect.name != "postgresql":
            return
        for database, session in self._of(connection):
            database.lock_monitor.forget(session)
        whole = of_a_database(statement)
        if whole is not None and any(self._of(connection)):
            verb, name = whole
            self.made.look(made=name) if verb == "create" else self.made.look(dropped=name)

    def _forget(self, name: str) -> None:
        """A database that code under test made is there no more."""
        for database in self._called(name):
            database.disappear()
            self._databases.remove(database)

    def _called(self, name: str) -> list[PostgresqlDatabase]:
        return [database for database in self._databases if database.name == name]

    def _explain(self, context: ExceptionContext) -> None:
        """Say why a statement was cancelled, where that was here."""
        if context.dialect.name == "postgresql" and context.connection is not None:
            for database, session in self._of(context.connection):
                database.lock_monitor.explain(context, session)
            taken = self.made.explain(context.original_exception)
            if taken is not None and Noted in listeners:
                emit(Noted(taken.what))

    def _of(self, connection: Connection) -> Iterator[tuple[PostgresqlDatabase, Session]]:
        fairy: Any = connection._dbapi_connection
        driver_connection = getattr(fairy, "dbapi_connection", None)
        for database in self._databases:
            session = database.sessions.get(driver_connection)
            if session is not None:
                yield database, session


def make_server(making: Making) -> PostgresqlServer:
    """Return where this process makes its worker databases.

    Raises:
        ConfigurationError: There is no such server.
    """
    settings = making.settings
    host = PostgresqlHost(
        make_instance(settings, making.root, making.directory),
        project=str(making.root),
        roles=settings.roles,
        extensions=settings.extensions,
        template_database=settings.template_database,
        rebuild=settings.rebuild,
        wait=making.wait,
    )
    return PostgresqlServer(host, worker=making.worker, replace=making.replace)
