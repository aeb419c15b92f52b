"""The baseline of one worker database: marked once, brought back before each test; ``layers.py`` moves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from hermetic.database.restore.postgresql import failures
from hermetic.database.restore.postgresql.administration import Administration, remove_ours
from hermetic.database.restore.postgresql.copying import carry_over
from hermetic.database.restore.postgresql.properties import Properties, is_setting
from hermetic.database.restore.postgresql.protocols import Host
from hermetic.database.restore.postgresql.tidying import Tidying
from hermetic.errors import RestoreError

BIG = 500
"""Rows from which on a table's touched keys are noted, so that a restore costs by the rows touched. Below that, putting
all rows back costs less than noting."""

NEVER = 2**31 - 1

EMPTY = ""
"""The origin of a database that began as PostgreSQL's own template."""

ATTEMPTS = 3
"""Restores that are tried where a transaction that commits meanwhile brings rows, or a schema, that are in the way."""

FILES = (
    *(
        "schema",
        "marking",
        "tracking",
        "touching",
        "large_objects",
        "restoring",
        "properties",
        "views",
        "ddl",
    ),
    *("layering", "removing", "retiring", "baseline"),
)
RESTORE = "SELECT * FROM pg_hermetic.restore(%s::pg_lsn)"


class Baseline:
    """What one worker database goes back to.

    Args:
        name: The database.
        owner: The role that owns it.
        host: The server's side.
        end_sessions: Ends the application's sessions, all that there are.
        replace_sessions: Ends those that are known, which their pools replace.
        replace_sessions_of_tests: Ends those of them that nobody has who outlives the test.
        refuse_if_held: Raises where somebody who outlives the test has a connection.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        host: Host,
        end_sessions: Callable[[], None],
        replace_sessions: Callable[[], None],
        replace_sessions_of_tests: Callable[[], None],
        refuse_if_held: Callable[[str], None],
    ) -> None:
        self._name = name
        self._owner = owner
        self._host = host
        self._end_sessions = end_sessions
        self._replace_sessions = replace_sessions
        self._replace_sessions_of_tests = replace_sessions_of_tests
        self._refuse_if_held = refuse_if_held
        self._administration: Administration | None = None
        self._seen: str | None = None
        self.is_marked = False
        self._origin: str | None = None
        self._copies: list[str] = []
        self._tidying = Tidying()
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
        for copy in self._copies:
            self._host.drop(copy)
        self._copies.clear()

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
            self._host.wait_until_gone(pid)

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
        """Mark a baseline of another schema in the place of this one, of which nothing is kept."""
        self.administration.one("SELECT pg_hermetic.retire(0)")
        self.administration.run("DROP SCHEMA pg_hermetic_0 CASCADE")
        self._install()
        self._origin = None
        self._copy_as_origin()

    def mark_another_schema(self, number: int) -> tuple[str, str | None]:
        """Mark a baseline of another schema, and keep this one.

        Args:
            number: Of the piece that changed the schema.

        Returns:
            What ``go_back`` needs.
        """
        before = f"{self.administration.schema}_{number}", self._origin
        self.administration.one("SELECT pg_hermetic.retire(%s)", [number])
        self._install()
        self.administration.one("SELECT pg_hermetic.inherit_pieces(%s, %s)", [number, before[0]])
        self._origin = None
        self._copy_as_origin()
        return before

    def go_back(self, schema: str, origin: str | None) -> None:
        """Bring a baseline back that ``mark_another_schema`` kept; the database is dirty then."""
        self._make_anew(origin, schema)

    def schema_changed(self) -> bool:
        """Whether the schema is not the baseline's."""
        return bool(self.administration.one("SELECT pg_hermetic.schema_changed()")[0])

    def become_template(self, fingerprint: str) -> None:
        """Keep the database, as it is now, as the template of a fingerprint."""
        self._end_sessions()
        self.disconnect()
        if self._host.keep_as_template(self._name, fingerprint):
            self._origin = self._host.template(fingerprint)

    def _copy_as_origin(self) -> None:
        """Keep a copy to make the database anew from; while somebody stays connected, there is none."""
        from psycopg.errors import ObjectInUse

        try:
            self._refuse_if_held("")
        except RestoreError:
            return
        self.administration.run("TRUNCATE pg_hermetic.drift")
        self._end_sessions()
        self.disconnect()
        copy = f"{self._name}_c{len(self._copies) + 1}"
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
        query = "SELECT pg_hermetic.is_dirty(), pg_hermetic.properties_version()"
        is_dirty, version = self.administration.one(query)
        return is_dirty or self.properties.differ(version)

    def restore(self) -> bool:
        """Bring the baseline back; return whether there was anything to undo."""
        outcome, self._seen, version = self._try(RESTORE, [self._seen]) or ("anew", None, None)
        changed = self.properties.put_back(version)
        if any(map(is_setting, changed)):
            self._replace_sessions_of_tests()  # a session knows its settings from its beginning
        if outcome == "ddl":
            self._undo_ddl()
        if outcome == "anew":
            self._start_anew("its rows fit together only in a new copy of the database")
        if outcome == "clean":
            return bool(changed)
        self._tidying.after_restore(self.administration)
        return True

    def _try(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        """Return what a query does; None where rows cannot be put back one table after the other.

        So it is where foreign keys in a circle cannot wait, and where a check reads another table.
        """
        from psycopg import IntegrityError, InternalError, ProgrammingError

        for _ in range(ATTEMPTS):
            with suppress(IntegrityError, InternalError, ProgrammingError):
                return self.administration.one(query, parameters)
        return None

    def _undo_ddl(self) -> None:
        """Undo what was done to the schema. Drivers keep what they learnt of types and plans: their sessions go."""
        (outcome,) = self._try("SELECT pg_hermetic.restore_after_ddl()") or ("anew",)
        self._seen = None
        if outcome == "anew":
            self._start_anew("the schema was changed in a way that only a new copy of the database undoes")
        elif outcome == "undone":
            self._replace_idle_sessions()

    def _start_anew(self, why: str) -> None:
        self._refuse_if_held(why)
        self._make_anew(self._origin, self.administration.schema)
        self.administration.one(RESTORE, [None])

    def _replace_idle_sessions(self) -> None:
        try:
            self._refuse_if_held("")
        except RestoreError:
            return  # somebody's own; the types and tables that went were not the baseline's
        self._replace_sessions()

    def _make_anew(self, origin: str | None, schema: str) -> None:
        if origin is None:
            raise failures.no_origin(self._name)
        fresh = f"{self._name}_new"
        self._host.drop(fresh)  # of an attempt that failed, and could not even do that
        try:
            self._host.create(fresh, self._owner, origin or None)
            self._fill_anew(fresh, origin, schema)
            self._end_sessions()
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

    def _fill_anew(self, fresh: str, origin: str, schema: str) -> None:
        target = self._administration_of(fresh)
        try:
            if origin == EMPTY:
                _install_in(target)
            drifted = [row[0] for row in self.administration.all(f"SELECT relid FROM {schema}.drift")]
            carry_over(self.administration, target, drifted, schema=schema)
        finally:
            target.close()


def _install_in(administration: Administration) -> None:
    level = ("privileged",) if administration.privileged else ("unprivileged", "catalog")
    administration.run_file(*FILES, *level)
    administration.one("SELECT pg_hermetic.take_baseline(%s)", [BIG if administration.privileged else NEVER])
    if not administration.privileged:
        administration.one("SELECT pg_hermetic.see_catalog()")
