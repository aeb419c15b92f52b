"""The baseline of one worker database: marked once, brought back before each test; ``layers.py`` moves it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from hermetic.database.backends.postgresql.restore import failures
from hermetic.database.backends.postgresql.restore.administration import Administration, Vacuum, remove_ours
from hermetic.database.backends.postgresql.restore.connected import Connected
from hermetic.database.backends.postgresql.restore.properties import Properties
from hermetic.database.backends.postgresql.restore.recreation import carry_over
from hermetic.database.backends.postgresql.server import template_databases
from hermetic.database.backends.postgresql.server.database_properties import is_setting
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.templates import Note, NoTemplate

T = TypeVar("T")

BIG = 500
"""Rows from which on a table's touched keys are noted, so that a restore costs by the rows touched. Below that, putting
all rows back costs less than noting."""

NEVER = 2**31 - 1

EMPTY = ""
"""The origin of a database that began as PostgreSQL's own template."""

UNKNOWN = "-1"
"""In the place of a database's number."""

ATTEMPTS = 3
"""Restores that are tried where a transaction that commits meanwhile brings rows, or a schema, that are in the way."""

FILES = (
    *("schema", "marking", "tracking", "change_tracking", "views", "ddl"),
    *("layering", "removing", "drop_schema", "shape", "remaking", "baseline"),
)
LAST_FILES = ("large_objects", "properties", "restoring")
"""Their views read what differs with our rights."""
RESTORE = "SELECT * FROM pg_hermetic.restore(nullif(%s, '')::pg_lsn)"


class Baseline:
    """What one worker database goes back to.

    Args:
        name: The database.
        owner: The role that owns it.
        host: The server's side.
        connected: Who is connected to it.
        copies: How the names of its copies begin; its own where None.

    Attributes:
        newest: The number of the newest database on the server at the last restore that found anything written.
    """

    def __init__(
        self, name: str, owner: str, host: PostgresqlHost, connected: Connected, copies: str | None = None
    ) -> None:
        self._name = name
        self._copies_begin = copies or name
        self._owner = owner
        self._host = host
        self._connected = connected
        self._administration: Administration | None = None
        self._seen: str | None = None
        self.newest: int | None = None
        self.is_marked = False
        self._origin: str | None = None
        self._in_the_way: list[str] = []
        self._copies: list[str] = []
        self._vacuum = Vacuum()
        self.properties = Properties(name, host, lambda: self.administration)

    @property
    def administration(self) -> Administration:
        """hermetic's own session in the database; opened at its first use."""
        if self._administration is None:
            self._administration = self._administration_of(self._name)
        return self._administration

    def _administration_of(self, database: str) -> Administration:
        return Administration(
            lambda: self._host.connect(database), privileged=self._host.privileged, wait=self._host.wait
        )

    def close(self) -> None:
        """End our session and drop the copies that were made here."""
        self.disconnect()
        self._drop_copies_after(EMPTY)

    def disconnect(self) -> None:
        """End our session; the next use opens another."""
        if self._administration is not None:
            self._administration.close()
            self._administration = None

    def leave(self) -> None:
        """End our session, and wait until the server lists it no more."""
        pid = self._administration.pid if self._administration is not None else None
        self.disconnect()
        if pid is not None:
            self._host.wait_until_gone([pid])

    def leave_nothing_in(self, copy: str) -> None:
        """Remove what is hermetic's own from a copy of the database that stays."""
        administration = self._administration_of(copy)
        try:
            remove_ours(administration)
        finally:
            administration.close()

    # -- marking

    def is_copy_of(self, template: str) -> None:
        """The database was just copied from a template, which has its baseline in it."""
        self.is_marked = True
        self._origin = template
        self._seen = None
        self.properties.mark()

    def mark(self) -> None:
        """Make what the database holds now its baseline, without any layer."""
        self._seen = None
        if not self.is_marked:
            remove_ours(self.administration)  # of a database that this one was copied from
            self._install()
            if self.administration.one("SELECT NOT EXISTS (SELECT FROM pg_hermetic.relations)")[0]:
                self._origin = EMPTY
        elif self.schema_changed():
            self._reinstall()
        else:
            self.administration.one("SELECT pg_hermetic.take_everything()")
        self.properties.mark()

    def _install(self) -> None:
        _install_in(self.administration)
        self.is_marked = True

    def _reinstall(self) -> None:
        """Mark a baseline of another schema in place of this one, of which nothing is kept."""
        self._drop_copies_after(EMPTY)
        self.administration.one("SELECT pg_hermetic.retire(0)")
        self.administration.run("DROP SCHEMA pg_hermetic_0 CASCADE")
        self._install()
        self._origin = None
        self._copy_as_origin()

    def mark_another_schema(self, number: int) -> str | None:
        """Mark a baseline of another schema, and keep this one.

        Args:
            number: Of the change that changed the schema.

        Returns:
            What the database of before is copied from, where it must be.
        """
        before = self._origin
        self.administration.one("SELECT pg_hermetic.retire(%s)", [number])
        self._install()
        schema = f"{self.administration.schema}_{number}"
        self.administration.one("SELECT pg_hermetic.inherit_changes(%s, %s)", [number, schema])
        self._origin = None
        self._copy_as_origin()
        return before

    def go_back(self, number: int, origin: str | None) -> None:
        """Go on with a baseline that ``mark_another_schema`` kept: all that was done since is there to be undone.

        Args:
            number: Of the change that changed the schema.
            origin: What the database was copied from then.
        """
        self.administration.run(
            f"SELECT pg_hermetic.retire({NEVER});"
            f"ALTER SCHEMA pg_hermetic_{number} RENAME TO pg_hermetic;"
            f"SELECT pg_hermetic.notice_again({number})"
        )
        self._origin = origin
        self._in_the_way = []
        self._seen = None
        if origin is not None:
            self._drop_copies_after(origin)

    def _drop_copies_after(self, origin: str) -> None:
        """Drop the copies that were made since one: the schemas that they are of are gone."""
        kept = self._copies.index(origin) + 1 if origin in self._copies else 0
        while len(self._copies) > kept:
            self._host.drop(self._copies.pop())

    def schema_changed(self) -> bool:
        """Whether the schema is not the baseline's."""
        return bool(self.administration.one("SELECT pg_hermetic.schema_changed()")[0])

    def is_schema_alone(self) -> bool:
        """Whether there are tables, and rows in none but Alembic's own."""
        rows = self.administration.all("SELECT name FROM pg_hermetic.relations WHERE relkind IN ('r', 'p')")
        tables = [name for (name,) in rows]
        filled = [f"EXISTS (TABLE {name})" for name in tables if not name.endswith(".alembic_version")]
        return bool(tables) and not self.administration.one(f"SELECT {' OR '.join(filled) or 'false'}")[0]

    def become_template(self, fingerprint: str, note: Note) -> None:
        """Keep the database, as it is now, as the template of a fingerprint, with a note of what it was built from.

        Raises:
            NoTemplate: Somebody stays connected who is not ours to end, or the name is somebody else's.
        """
        if others := self._connected.beyond_pools():
            raise NoTemplate(f"in use by {', '.join(map(str.strip, others))}")
        self._connected.end_all()
        self.leave()
        if not template_databases.keep(self._host, self._name, fingerprint, note):
            raise NoTemplate("somebody connects to it again and again, or has a database of its name")
        self._origin = template_databases.find(self._host, fingerprint)

    def _copy_as_origin(self) -> None:
        """Keep a copy to make the database anew from; where somebody is in the way, once they are idle."""
        from psycopg.errors import ObjectInUse

        self._in_the_way = self._connected.busy()
        if self._in_the_way:
            return
        self.administration.run("TRUNCATE pg_hermetic.drift")
        self._connected.end_all()
        self.leave()
        copy = f"{self._copies_begin}_c{len(self._copies) + 1}"
        try:
            self._host.create(copy, self._owner, self._name)
        except ObjectInUse:  # a poller of the application's, that connects again and again
            return
        self._copies.append(copy)
        self._origin = copy

    # -- restoring

    def place(self) -> str | None:
        """Return the place in the write-ahead log up to which everything was seen; None where there is no telling."""
        found: str | None = self.administration.one("SELECT pg_hermetic.place()")[0]
        return found

    def is_untouched(self) -> bool:
        """Whether nothing at all was written since the last restore found nothing to undo."""
        return self._seen is not None and self._seen == self.place()

    def was_seen_at(self, place: str | None) -> bool:
        """Whether the write-ahead log stood there when the last restore found nothing to undo."""
        return place is not None and place == self._seen

    def look_again(self) -> None:
        """Have the next restore look at everything."""
        self._seen = None

    def dirty(self) -> bool:
        """Whether anything differs from the baseline."""
        query = "SELECT pg_hermetic.is_dirty(), version FROM pg_hermetic.properties"
        is_dirty, version = self.administration.one(query)
        return is_dirty or self.properties.differ(version)

    def restore(self) -> bool:
        """Bring the baseline back; return whether there was anything to undo."""
        restore = partial(self.administration.texts, RESTORE, self._seen or "")
        outcome, self._seen, version, newest = self._try(restore) or ("anew", None, None, UNKNOWN)
        self.newest = None if newest is None else int(newest)
        changed = self.properties.put_back(version)
        if any(map(is_setting, changed)):
            self._connected.replace_those_of_tests()  # a session knows its settings from its beginning
        if outcome == "ddl":
            self._undo_ddl()
        if outcome == "anew":
            self._start_anew("its rows fit together only in a new copy of the database")
        if self._in_the_way and self._connected.are_idle():
            self._copy_as_origin()
        if outcome == "clean":
            return bool(changed)
        self._vacuum.after_restore(self.administration)
        return True

    def _try(self, restore: Callable[[], T]) -> T | None:
        """Return what a restore returns; None where rows cannot be put back one table after the other.

        So it is where foreign keys in a circle cannot wait, and where a check reads another table.
        """
        for _ in range(ATTEMPTS):
            try:
                return restore()
            except Exception as error:
                if not failures.is_misfit(error):
                    raise
        return None

    def _undo_ddl(self) -> None:
        """Undo what was done to the schema. Drivers keep what they learnt of types and plans: their sessions go.

        Not where the application had made everything again itself: what they know is as good as without us.
        """
        restore = partial(self.administration.one, "SELECT pg_hermetic.restore_after_ddl()")
        (outcome,) = self._try(restore) or ("anew",)
        self._seen = None
        if outcome == "anew":
            self._start_anew("the schema was changed in a way that only a new copy of the database undoes")
        elif outcome in ("undone", "made"):
            self._connected.replace_idle()

    def _start_anew(self, why: str) -> None:
        self._refuse_if_held(why)
        self._make_anew(self._origin, why)
        self.administration.texts(RESTORE, "")

    def _refuse_if_held(self, why: str) -> None:
        outliving = self._connected.outliving()
        if outliving:
            raise failures.held(self._name, why, outliving)

    def _make_anew(self, origin: str | None, why: str) -> None:
        if origin is None:
            raise failures.no_origin(self._name, self._in_the_way)
        fresh = f"{self._copies_begin}_new"
        self._host.drop(fresh)  # of an attempt that failed, and could not even do that
        try:
            self._host.create(fresh, self._owner, origin or None)
            self._fill_anew(fresh, origin)
            self._refuse_if_held(why)  # a pool may have been about to connect
            self._connected.end_all()
            self.disconnect()
            self._host.drop(self._name)
        except BaseException:
            with suppress(Exception):  # the first error counts
                self._host.drop(fresh)
            raise
        self._host.rename(fresh, self._name)
        self._origin = origin
        self._seen = None
        self.properties.put_on_new_database()

    def _fill_anew(self, fresh: str, origin: str) -> None:
        target = self._administration_of(fresh)
        try:
            if origin == EMPTY:
                _install_in(target)
            drifted = [row[0] for row in self.administration.all("SELECT relid FROM pg_hermetic.drift")]
            carry_over(self.administration, target, drifted)
        finally:
            target.close()


def _install_in(administration: Administration) -> None:
    level = ("privileged",) if administration.privileged else ("catalog", "unprivileged")
    administration.run_file(*FILES, *level, *LAST_FILES)
    administration.one("SELECT pg_hermetic.take_baseline(%s)", [BIG if administration.privileged else NEVER])
    administration.one("SELECT pg_hermetic.see_schema()")
