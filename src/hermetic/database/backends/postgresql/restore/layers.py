"""The baseline as layers: what wider fixtures write belongs to it for as long as they live.

See ``layer_types.py`` for what a layer consists of, and ``sql/layering.sql`` for what is kept of it in the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hermetic.database.backends.postgresql.restore import failures
from hermetic.database.backends.postgresql.restore.baseline import Baseline
from hermetic.database.backends.postgresql.restore.layer_types import ASKER, Piece, PostgresqlLayer, Start
from hermetic.errors import LayerConflict
from hermetic.owners import Owner

CLASH = "HM310"
"""What ``sql/`` raises where rows do not fit together."""


class Layers:
    """The pieces that living fixtures wrote, in the order in which they began.

    Args:
        baseline: What they change.
    """

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        self._numbers = 0
        self._starts: list[Start] = []
        self._pieces: list[Piece] = []
        self._stuck: list[Piece] = []
        self._debt: Piece | None = None
        self._has_dead = False

    def forget(self) -> None:
        """The database was given a baseline without layers."""
        self._pieces.clear()
        self._stuck.clear()
        self._debt = None
        self._has_dead = False

    @property
    def has_any(self) -> bool:
        """Whether the baseline has layers, of fixtures whose set-up may not be over."""
        return bool(self._pieces or self._stuck)

    @property
    def is_in_debt(self) -> bool:
        """Whether a schema has still to be brought back."""
        return self._debt is not None

    # -- set-up

    def begin(self, *, exists: bool) -> Start:
        """Note the state before a set-up; take what an enclosing one wrote so far.

        Raises:
            LayerConflict: That builds on what the test wrote before.
        """
        self.settle()
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
        start.altered = False
        start.properties = self._baseline.properties.wanted()
        if not self._baseline.is_untouched():
            start.properties = self._baseline.properties.now()
            (start.altered,) = self._one("SELECT pg_hermetic.begin_piece(%s)", [start.number])
        start.schema_state = self._one("SELECT pg_hermetic.schema_state()")[0] if start.altered else None
        start.place = self._baseline.place()

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
            self._one("SELECT pg_hermetic.abandon_piece(%s)", [start.number])
            self._remove(start.pieces)
            raise
        finally:
            if self._starts:
                self._open(self._starts[-1])
        for piece in start.pieces:
            piece.owner = owner
        return PostgresqlLayer(owner, start.pieces) if start.pieces else None

    def _take(self, start: Start, owner: Owner) -> None:
        if (
            start.number is None
        ):  # the database was made since: all that was written to it since is the set-up's
            self._numbers += 1
            start.number = self._numbers
        place = self._baseline.place()
        if place is not None and place == start.place:
            return
        self._baseline.look_again()
        piece = self._piece_of(start, owner)
        if self._baseline.properties.take(start.number, start.properties) and piece is None:
            piece = Piece(start.number, owner)
        if piece is not None:
            self._pieces.append(piece)
            start.pieces.append(piece)

    def _piece_of(self, start: Start, owner: Owner) -> Piece | None:
        assert start.number is not None
        if start.altered:
            self._refuse_changes_on_changes(start, owner)
        elif self._baseline.schema_changed():
            before = self._baseline.mark_another_schema(start.number)
            return Piece(start.number, owner, changed_schema=True, origin=before)
        with self._conflicts(start.number, owner):
            (written,) = self._one("SELECT pg_hermetic.end_piece(%s)", [start.number])
        return Piece(start.number, owner) if written else None

    def _refuse_changes_on_changes(self, start: Start, owner: Owner) -> None:
        """What a fixture did to a schema that its test had changed cannot be told from what the test did."""
        state, only_added = self._one("SELECT pg_hermetic.schema_state(), pg_hermetic.only_added()")
        if state != start.schema_state or not only_added:
            raise failures.changed_before(owner)

    # -- teardown

    def remove(self, layer: PostgresqlLayer) -> None:
        """Take a layer out of the baseline.

        Raises:
            LayerConflict: A later layer builds on it. It then goes together with that one.
        """
        self.settle()
        conflicts = self._remove(layer.pieces)
        if conflicts:
            raise conflicts[0]

    def _remove(self, pieces: Sequence[Piece]) -> list[LayerConflict]:
        self._baseline.look_again()
        mine = [piece for piece in pieces if piece in self._pieces]
        self._pieces = [piece for piece in self._pieces if piece not in mine]
        self._stuck += mine
        for piece in mine:
            self._baseline.properties.remove(piece.number)
        conflicts = self._take_out_stuck()
        return [conflicts[piece] for piece in mine if piece in self._stuck]

    def _take_out_stuck(self) -> dict[Piece, LayerConflict]:
        """Take out what can be, the newest first, for as long as that makes way for others."""
        while True:
            conflicts = {}
            before = len(self._stuck)
            for piece in sorted(self._stuck, key=lambda one: one.number, reverse=True):
                try:
                    self._take_out(piece)
                except LayerConflict as conflict:
                    conflicts[piece] = conflict
                else:
                    self._stuck.remove(piece)
            if not conflicts or len(self._stuck) == before:
                return conflicts

    def _take_out(self, piece: Piece) -> None:
        if piece.changed_schema:
            self._owe(piece)
        elif self._debt is None or piece.number > self._debt.number:  # else it goes when the schema is back
            is_last = all(one.number <= piece.number for one in self._pieces + self._stuck)
            with self._conflicts(piece.number, piece.owner):
                self._one("SELECT pg_hermetic.remove_piece(%s, %s)", [piece.number, not is_last])

    def _owe(self, piece: Piece) -> None:
        later = [one for one in self._pieces if one.number > piece.number]
        if later:
            raise failures.schema_conflict(piece.owner, [one.owner for one in later])
        self._debt = piece  # in the place of a newer one's: what this one kept is older

    def settle(self) -> bool:
        """Bring the schema of before back, now that somebody needs it: a run that ends does not.

        Where that fails it is still to be done: the next restore finds it all noted.

        Returns:
            Whether there was anything to bring back.
        """
        if self._debt is not None:
            self._baseline.go_back(self._debt.number, self._debt.origin)
            self._debt = None
            self._has_dead = True
        if not self._has_dead:
            return False
        self._take_out_the_dead()
        self._has_dead = False
        return self._baseline.restore()

    def _take_out_the_dead(self) -> None:
        """What ended while another schema was in place is still in the one that came back."""
        living = {one.number for one in self._pieces + self._stuck}
        for (number,) in self._baseline.administration.all("SELECT * FROM pg_hermetic.pieces()"):
            if number not in living:
                self._stuck.append(Piece(number))
        self._take_out_stuck()

    # -- conflicts

    @contextmanager
    def _conflicts(self, number: int, owner: Owner) -> Iterator[None]:
        from psycopg import Error

        try:
            yield
        except Error as error:
            if error.sqlstate != CLASH:
                raise
            raise self._conflict(number, owner, error) from None

    def _conflict(self, number: int, owner: Owner, error: Any) -> LayerConflict:
        table, relid = error.diag.message_primary, error.diag.message_detail
        writers = self._baseline.administration.all("SELECT * FROM pg_hermetic.writers(%s::oid)", [relid])
        numbers = {row[0] for row in writers} - {number}
        others = [one for one in self._pieces + self._stuck if one.number in numbers]
        if not others:
            others = [one for one in self._pieces if one.changed_schema and one.number > number]
        names = [one.owner for one in others if one.owner is not owner]
        return failures.conflict(owner, names, table)

    def _one(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        return self._baseline.administration.one(query, parameters)
