"""The baseline of one worker database: marked once, moved by wider fixtures, brought back before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hermetic.database.restore.postgresql import failures
from hermetic.database.restore.postgresql.administration import Administration
from hermetic.database.restore.postgresql.copying import carry_over
from hermetic.database.restore.postgresql.pieces import ASKER, Piece, PostgresqlLayer, Start
from hermetic.database.restore.postgresql.protocols import Host
from hermetic.database.restore.postgresql.tidying import Tidying
from hermetic.errors import LayerConflict, RestoreError
from hermetic.owners import Owner

BIG = 500
"""Rows from which on a table's touched keys are noted, so that a restore costs by the rows touched. Below that, putting
all rows back costs less than noting."""

NEVER = 2**31 - 1

EMPTY = ""
"""The origin of a database that began as PostgreSQL's own template."""

FILES = ("schema", "marking", "tracking", "restoring", "ddl", "layering", "baseline")
RESTORE = "SELECT * FROM pg_hermetic.restore(%s::pg_lsn)"


class Baseline:
    """What one worker database goes back to.

    Args:
        name: The database.
        owner: The role that owns it.
        host: The server's side.
        end_sessions: Ends the application's sessions, with a list or all.
        refuse_if_held: Raises where somebody who outlives the test has a connection.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        host: Host,
        end_sessions: Callable[[], None],
        refuse_if_held: Callable[[str], None],
    ) -> None:
        self._name = name
        self._owner = owner
        self._host = host
        self._end_sessions = end_sessions
        self._refuse_if_held = refuse_if_held
        self._administration: Administration | None = None
        self._seen: str | None = None
        self.is_marked = False
        self._origin: str | None = None
        self._copies: list[str] = []
        self._numbers = 0
        self._starts: list[Start] = []
        self._pieces: list[Piece] = []
        self._stuck: list[Piece] = []
        self._debt: Piece | None = None
        self._tidying = Tidying()

    @property
    def administration(self) -> Administration:
        """hermetic's own session in the database; opened at its first use."""
        if self._administration is None:
            self._administration = self._administration_of(self._name)
        return self._administration

    def _administration_of(self, database: str) -> Administration:
        return Administration(lambda: self._host.connect(database), privileged=self._host.privileged)

    def close(self) -> None:
        """End our session and drop the copies that were made here."""
        self._disconnect()
        for copy in self._copies:
            self._host.drop(copy)
        self._copies.clear()

    def _disconnect(self) -> None:
        if self._administration is not None:
            self._administration.close()
            self._administration = None

    # -- marking

    def is_copy_of(self, template: str) -> None:
        """The database was just copied from a template, which has its baseline in it."""
        self.is_marked = True
        self._origin = template
        self._seen = None

    def mark(self) -> None:
        """Make what the database holds now its baseline, without any layer."""
        if not self.is_marked:
            self._install()
            if self.administration.one("SELECT NOT EXISTS (SELECT FROM pg_hermetic.relations)")[0]:
                self._origin = EMPTY
            return
        if self._schema_changed():
            self._reinstall()
        else:
            self.administration.one("SELECT pg_hermetic.end_piece(0)")
            self._seen = None

    def _install(self) -> None:
        _install_in(self.administration)
        self.is_marked = True
        self._seen = None

    def _reinstall(self) -> None:
        """Mark a baseline of another schema in the place of this one, of which nothing is kept."""
        self._retire(0)
        self.administration.run("DROP SCHEMA pg_hermetic_0 CASCADE")
        self._install()
        self._origin = None
        self._pieces.clear()
        self._stuck.clear()
        self._copy_as_origin()

    def _retire(self, number: int) -> None:
        self.administration.one("SELECT pg_hermetic.retire(%s)", [number])

    def _schema_changed(self) -> bool:
        return bool(self.administration.one("SELECT pg_hermetic.schema_changed()")[0])

    def become_template(self, fingerprint: str) -> None:
        """Keep the database, as it is now, as the template of a fingerprint."""
        self._end_sessions()
        self._disconnect()
        if self._host.keep_as_template(self._name, fingerprint):
            self._origin = self._host.template(fingerprint)

    def _copy_as_origin(self) -> None:
        """Keep a copy to make the database anew from; while somebody holds a connection, there is none."""
        try:
            self._refuse_if_held("")
        except RestoreError:
            return
        self.administration.run("TRUNCATE pg_hermetic.drift")
        self._end_sessions()
        self._disconnect()
        self._numbers += 1
        copy = f"{self._name}_c{self._numbers}"
        self._host.create(copy, self._owner, self._name)
        self._copies.append(copy)
        self._origin = copy

    # -- restoring

    def dirty(self) -> bool:
        """Whether anything differs from the baseline."""
        return bool(self.administration.one("SELECT pg_hermetic.is_dirty()")[0])

    def restore(self) -> bool:
        """Bring the baseline back; return whether there was anything to undo."""
        self._settle()
        outcome, self._seen = self.administration.one(RESTORE, [self._seen])
        if outcome == "ddl":
            outcome = self._undo_ddl()
        if outcome == "clean":
            return False
        self._tidying.after_restore(self.administration)
        if self._starts:
            self.administration.run("DELETE FROM pg_hermetic.moves WHERE piece < 0")
        return True

    def _undo_ddl(self) -> str:
        """Undo what was done to the schema. Drivers keep what they learnt of types and plans: their sessions go."""
        outcome, _ = self.administration.one("SELECT * FROM pg_hermetic.restore_after_ddl()")
        self._seen = None
        if outcome == "anew":
            self._refuse_if_held(
                "the schema was changed in a way that only a new copy of the database undoes"
            )
            self._make_anew(self._origin, self.administration.schema)
            self.administration.one(RESTORE, [None])
        else:
            self._end_idle_sessions()
        return "restored"

    def _end_idle_sessions(self) -> None:
        try:
            self._refuse_if_held("")
        except RestoreError:
            return  # somebody's own; the types and tables that went were not the baseline's
        self._end_sessions()

    def _make_anew(self, origin: str | None, schema: str) -> None:
        if origin is None:
            raise failures.no_origin(self._name)
        fresh = f"{self._name}_new"
        self._host.create(fresh, self._owner, origin or None)
        target = self._administration_of(fresh)
        try:
            if origin == EMPTY:
                _install_in(target)
            drifted = [row[0] for row in self.administration.all(f"SELECT relid FROM {schema}.drift")]
            carry_over(self.administration, target, drifted, schema=schema)
        finally:
            target.close()
        self._end_sessions()
        self._disconnect()
        self._host.drop(self._name)
        self._host.rename(fresh, self._name)
        self._origin = origin
        self._seen = None

    # -- layers

    def begin(self, *, exists: bool) -> Start:
        """Note the state before a set-up; take what an enclosing one wrote so far."""
        self._settle()
        if self._starts and exists:
            self._take(self._starts[-1], ASKER)
        start = Start()
        self._starts.append(start)
        if exists:
            self._open(start)
        return start

    def _open(self, start: Start) -> None:
        self._numbers += 1
        start.number = self._numbers
        lsn = self.administration.one("SELECT pg_current_wal_insert_lsn()")[0]
        if lsn != self._seen:
            self.administration.one("SELECT pg_hermetic.begin_piece(%s)", [start.number])
            lsn = self.administration.one("SELECT pg_current_wal_insert_lsn()")[0]
        start.lsn = lsn

    def end(self, start: Start, owner: Owner, *, exists: bool) -> PostgresqlLayer | None:
        """Take what a set-up wrote into the baseline; None when that is nothing.

        Raises:
            LayerConflict: It builds on what the test wrote before the set-up began.
        """
        self._starts.remove(start)
        if not exists:
            return None
        try:
            self._take(start, owner)
        except LayerConflict:
            self._remove(start.pieces)
            raise
        if self._starts:
            self._open(self._starts[-1])
        for piece in start.pieces:
            piece.owner = owner
        return PostgresqlLayer(owner, start.pieces) if start.pieces else None

    def _take(self, start: Start, owner: Owner) -> None:
        if start.number is None:
            self._numbers += 1
            start.number = self._numbers
        if self.administration.one("SELECT pg_current_wal_insert_lsn()")[0] == start.lsn:
            return
        self._seen = None
        if self._schema_changed():
            piece = self._take_schema(start.number, owner)
        else:
            with self._conflicts(start.number, owner):
                (written,) = self.administration.one("SELECT pg_hermetic.end_piece(%s)", [start.number])
            if not written:
                return
            piece = Piece(start.number, owner)
        start.number = None
        self._pieces.append(piece)
        start.pieces.append(piece)

    def _take_schema(self, number: int, owner: Owner) -> Piece:
        self._retire(number)
        before = Piece(number, owner, f"{self.administration.schema}_{number}", self._origin)
        self._install()
        self._origin = None
        self._copy_as_origin()
        return before

    def remove(self, layer: PostgresqlLayer) -> None:
        """Take a layer out of the baseline.

        Raises:
            LayerConflict: A later layer builds on it. It then goes together with that one.
        """
        self._settle()
        conflicts = self._remove(layer.pieces)
        if conflicts:
            raise conflicts[0]

    def _remove(self, pieces: Sequence[Piece]) -> list[LayerConflict]:
        self._seen = None
        conflicts = []
        for piece in reversed([piece for piece in pieces if piece in self._pieces]):
            try:
                self._take_out(piece)
            except LayerConflict as conflict:
                self._stuck.append(piece)
                conflicts.append(conflict)
            self._pieces.remove(piece)
        self._retry_stuck()
        return conflicts

    def _retry_stuck(self) -> None:
        for piece in reversed(list(self._stuck)):
            try:
                self._take_out(piece)
            except LayerConflict:
                continue  # whoever owns it was told when it was removed
            self._stuck.remove(piece)

    def _take_out(self, piece: Piece) -> None:
        if piece.schema_before is not None:
            self._put_schema_back(piece)
            return
        with self._conflicts(piece.number, piece.owner):
            self.administration.one("SELECT pg_hermetic.remove_piece(%s)", [piece.number])

    def _put_schema_back(self, piece: Piece) -> None:
        later = [one for one in self._pieces if one.number > piece.number and one is not piece]
        if later:
            raise failures.schema_conflict(piece.owner, [one.owner for one in later])
        assert piece.schema_before is not None
        self._debt = piece

    def _settle(self) -> None:
        """Bring the schema of before back, now that somebody needs it: a run that ends does not."""
        piece, self._debt = self._debt, None
        if piece is not None and piece.schema_before is not None:
            self._make_anew(piece.origin_before, piece.schema_before)

    @contextmanager
    def _conflicts(self, number: int, owner: Owner) -> Iterator[None]:
        from psycopg.errors import Error

        try:
            yield
        except Error as error:
            if error.sqlstate != "HM310":
                raise
            raise self._conflict(number, owner, error) from None

    def _conflict(self, number: int, owner: Owner, error: Any) -> LayerConflict:
        writers = self.administration.all(
            "SELECT piece FROM pg_hermetic.writers(%s::regclass::oid) piece", [error.diag.message_primary]
        )
        numbers = {row[0] for row in writers}
        others = [one.owner for one in self._pieces + self._stuck if one.number in numbers - {number}]
        return failures.conflict(
            owner, [one for one in others if one is not owner], error.diag.message_primary
        )


def _install_in(administration: Administration) -> None:
    level = "privileged" if administration.privileged else "unprivileged"
    administration.run_file(*FILES, level)
    administration.one("SELECT pg_hermetic.take_baseline(%s)", [BIG if administration.privileged else NEVER])
    if not administration.privileged:
        administration.one("SELECT pg_hermetic.see_catalog()")
