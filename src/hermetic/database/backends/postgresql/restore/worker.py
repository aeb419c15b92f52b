"""One worker database of PostgreSQL; see ``hermetic.database.protocols.WorkerDatabase``.

Nothing is made before it is needed: its URL is known, and can be handed to an application's settings, before the server
runs. Measured on PostgreSQL 18 with 60 tables: see ``benchmarks/results``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.address import address_of
from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.restore import failures
from hermetic.database.backends.postgresql.restore.administration import Administration, scripts
from hermetic.database.backends.postgresql.restore.baseline import Baseline
from hermetic.database.backends.postgresql.restore.changes import Changes
from hermetic.database.backends.postgresql.restore.connected import Connected, Replace
from hermetic.database.backends.postgresql.restore.drivers import connect_arguments, database_of
from hermetic.database.backends.postgresql.restore.lock_monitor import LockMonitor
from hermetic.database.backends.postgresql.restore.sessions import Session
from hermetic.database.backends.postgresql.server import kept_databases, template_databases
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.driver_seams import connecting_to
from hermetic.database.in_use import Checkout, OpenWork, RawConnection
from hermetic.database.layers import Layer, Layers, Start
from hermetic.database.stored import Kept, NotKept
from hermetic.database.templates import Build, Built, Note, Outdated, Template, digest, fill
from hermetic.events.database import ReferenceBroken
from hermetic.owners import Owner


class PostgresqlDatabase:
    """The worker database of one target.

    Args:
        name: Its name on the server.
        host: The server's side.
        owner: The role that owns it, and as which the application connects.
        replace: Tells the pools which connections are gone.
        copies: How the names of its copies begin; its own where None.

    Attributes:
        raw: The connections that drivers of the project's own have open in it.
    """

    def __init__(
        self, name: str, host: PostgresqlHost, owner: str, replace: Replace, copies: str | None = None
    ) -> None:
        self.name = name
        self.owner = owner
        self.connected = Connected(name, host, lambda connections: replace(self, connections))
        self.sessions = self.connected.sessions
        self.raw = self.sessions.raw
        self.lock_monitor = LockMonitor(name, host, self.sessions)
        self._host = host
        self._mutex = RLock()
        self._replace = replace
        self._born = False
        self._is_being_filled = False
        self._closed = False
        self._baseline = Baseline(name, owner, host, self.connected, copies)
        self._changes = Changes(self._baseline, lambda: self._is_marked)
        self._layers = Layers(self._changes)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Do one thing at a time; calls nest."""
        with self._mutex:
            yield

    @property
    def url(self) -> URL:
        """The URL at which any driver reaches it."""
        return self._host.url(self.name, self.owner)

    @property
    def administration(self) -> Administration:
        """hermetic's own session in it."""
        return self._baseline.administration

    @property
    def exists(self) -> bool:
        """Whether it was made on the server, and not dropped since."""
        return self._born and not self._closed

    @property
    def newest(self) -> int | None:
        """The number of the newest database on the server at the last restore that found anything written."""
        return self._baseline.newest

    # -- the application's connections

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> DBAPIConnection:
        """Open a connection for the application.

        Args:
            dialect: The engine's; of any driver.
            args: Positional arguments of its engine: a connection string at the most, which ours replaces.
            params: The named ones; what says where and as whom is replaced, the rest keeps its meaning.
        """
        ours = self.reach(params.get("user"))
        with connecting_to(ours), variables.blamed("the application"):
            connection = dialect.connect(**connect_arguments(dialect, params, ours))
        self.sessions.opened(connection)
        return connection

    def holds(self, connection: DBAPIConnection) -> bool:
        """Whether its driver says that it is here."""
        reached = database_of(connection)
        return reached is not None and address_of(reached) == address_of(self.url)

    def reach(self, user: str | None) -> URL:
        """Return where a connection goes that wanted to log in as ``user``; the database exists then."""
        self.ensure()
        return self._host.url(self.name, self._host.role_for(str(user or "")) or self.owner)

    def note_raw(self, raw: RawConnection) -> None:
        """Learn of a connection that a driver of the project's opened."""
        self.raw.add(raw)
        self.lock_monitor.note_raw(raw.connection)

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Learn who uses a connection that ``open`` returned; None when it went back to its pool."""
        session = self.sessions.get(connection)
        if session is not None:
            session.latest, session.checkout = session.checkout, checkout
            self.lock_monitor.note(session)

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Forget a connection that was closed."""
        session = self.sessions.closed(connection)
        if session is not None:
            self.lock_monitor.note_end(session)

    def end_open_work(self, *, of: Sequence[Owner]) -> list[OpenWork]:
        """End the sessions of these owners, whatever they are doing; return what was open in them."""
        theirs = self.sessions.where(
            lambda one: one.checkout is not None and one.checkout.owner.belongs_to(of)
        )
        work = [open_work for session in theirs if (open_work := session.open_work())]
        if theirs:
            self.end_sessions(theirs)
        return work

    def end_sessions(self, sessions: Sequence[Session]) -> None:
        """End sessions on the server's side, and have their pools replace them."""
        self.connected.end(sessions)

    # -- its contents

    def disconnect_for_drop(self) -> None:
        """The application is about to drop it: our session would be in the way."""
        with self._mutex:
            self._baseline.leave()

    def disappear(self) -> None:
        """The application has dropped it: what pools still hold of it is dead."""
        with self._mutex:
            self.lock_monitor.stop()
            self._closed = True
            self._replace(self, None)
            self._baseline.close()

    def ensure(self) -> None:
        """Make it, empty, if it does not exist yet."""
        with self._at_work():
            if not self._born:
                self._host.create(self.name, self.owner)
                self._born = True
            if not self._is_being_filled and not self._baseline.is_marked and not self._closed:
                self._baseline.mark()

    def fill(self, fingerprint: Callable[[], str], build: Build, outdated: Outdated) -> str:
        """Fill it; see ``hermetic.database.templates``."""
        # No lock of ours is held meanwhile: a build opens connections from threads of its own.
        if self._born:  # somebody wrote into it before it was known to be the application's
            build()
            return ""
        # A template's tables belong to the role for which it was built.
        return fill(
            self,
            lambda: digest([fingerprint(), self.owner, str(self._host.version), *scripts()]),
            lambda: self._build(build),
            outdated,
        )

    def _build(self, build: Build) -> Built:
        self._is_being_filled = True
        try:
            self.ensure()  # a driver that was handed the URL opens it unseen
            built = build()
        except BaseException:
            self._start_over()
            raise
        finally:
            self._is_being_filled = False
        self.ensure()
        self.mark_baseline()
        return built

    def template_locked(self, key: str) -> AbstractContextManager[None]:
        """Let one process of all that use the server build a template at a time."""
        return self._host.exclusively(f"build {key}")

    def find_template(self, key: str) -> Template | None:
        """Return the template that it can become a copy of."""
        name = template_databases.find(self._host, key)
        if name is None:
            return None
        note = template_databases.note(self._host, name)
        built = str(note.get("built", "some time ago"))
        is_of_this_run = template_databases.is_of_this_run(self._host, note)
        return Template(built, is_of_this_run, note, lambda: self._become_copy_of(name))

    def _become_copy_of(self, template: str) -> None:
        with self._mutex:
            self._host.create(self.name, self.owner, template)
            self._born = True
            self._baseline.is_copy_of(template)

    def keep_template(self, key: str, note: Note) -> None:
        """Keep it as a template; raise ``NoTemplate`` where somebody is in the way."""
        self._baseline.become_template(key, note)

    def _start_over(self) -> None:
        """Have nothing of a build that failed; whoever connects next makes it, empty."""
        self._replace(self, None)
        self._baseline.disconnect()
        self._host.drop(self.name)
        self._born = False

    @property
    def _is_marked(self) -> bool:
        return self._baseline.is_marked and not self._is_being_filled and not self._closed

    def mark_baseline(self) -> None:
        """Make what the database holds now its baseline; one that does not exist yet is empty anyhow."""
        with self._at_work():
            if self._born:
                self._changes.do_pending(self._layers)
                self._baseline.mark()
                self._layers.forget()

    def dirty(self) -> bool:
        """Whether anything was committed since the baseline was last in place."""
        with self._at_work():
            return self._is_marked and (self._changes.has_pending or self._baseline.dirty())

    @property
    def is_pristine(self) -> bool:
        """Whether it holds what was last marked, and no fixture's layer."""
        with self._at_work():
            return not self._layers.changes and not self.dirty()

    @property
    def is_schema_alone(self) -> bool:
        """Whether it holds tables, and rows in none but Alembic's own, and nobody is at work in it."""
        with self._at_work():
            return self._is_marked and self._baseline.is_schema_alone() and not self.connected.busy()

    def broken_references(self) -> list[ReferenceBroken]:
        """There are none: the server refuses them."""
        return []

    def restore(self) -> bool:
        """Bring the baseline back, with the application's connections open.

        Returns:
            Whether there was anything to undo.

        Raises:
            RestoreError: Something that outlives the test blocks it: named, after a time-out, and left alone.
        """
        with self._at_work():
            if not self._is_marked:
                return False
            if changed := self._changed():
                self.end_sessions(changed)
            with failures.explained(self.name, self.sessions, self.administration, self._host):
                brought_back = self._changes.do_pending(self._layers)
                return self._baseline.restore() or brought_back

    def _changed(self) -> list[Session]:
        """Return the sessions in which a test left something that a check-in does not undo."""
        return self.sessions.where(lambda one: one.changed and one.is_of_a_test)

    def keep(self, test: str, folder: Path) -> Kept:
        """Copy what it holds now to a database of its own, for which the application's idle connections must go."""
        with self._at_work():
            held = self.connected.outliving()
            if held:
                raise NotKept("\n".join(held))
            self.connected.end_all()
            self.administration.close()
            kept = kept_databases.keep(self._host, self.name, self.owner, test)
            self._baseline.leave_nothing_in(kept.name)
            return kept

    def begin_layer(self) -> Start:
        """Note the state before a wider-scoped fixture's set-up; calls nest, and each must be ended, in reverse."""
        with self._at_work():
            self._changes.do_pending(self._layers)
            return self._layers.begin()

    def end_layer(self, start: Start, owner: Owner) -> Layer | None:
        """Take what was written since ``start`` into the baseline.

        Raises:
            LayerConflict: It builds on what the test wrote before the set-up began.
        """
        with self._at_work(), failures.explained(self.name, self.sessions, self.administration, self._host):
            return self._layers.end(start, owner)

    def remove_layer(self, layer: Layer) -> None:
        """Take a layer out of the baseline, in any order; the database is dirty until it is restored.

        Raises:
            LayerConflict: A later layer builds on it; it goes together with that one.
        """
        with self._at_work(), failures.explained(self.name, self.sessions, self.administration, self._host):
            self._changes.do_pending(self._layers)
            self._layers.remove(layer)

    def close(self) -> None:
        """End our own session and drop the database."""
        with self._mutex:
            self.lock_monitor.stop()
            if self._born and not self._closed:
                self._closed = True
                self._baseline.close()
                self._host.drop(self.name)
