"""The baseline's rows in the server, and what fixtures changed of them; see ``hermetic.database.layers``.

A change is kept as the rows that went and that came (``sql/layering.sql``). A fixture that changed the *schema*
gives a change of another kind: hermetic's own tables, with all rows of before, are kept under another name and serve
again when the fixture ends. What it made is dropped then; only where it altered or dropped something, the database is
copied anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hermetic.database.backends.postgresql.restore import failures
from hermetic.database.backends.postgresql.restore.baseline import Baseline
from hermetic.database.backends.postgresql.server.database_properties import State
from hermetic.database.layers import Change, Layers, conflict
from hermetic.errors import LayerConflict
from hermetic.owners import Owner

CLASH = "HM310"
"""What ``sql/`` raises where rows do not fit together."""

BEFORE = """
    SELECT pg_hermetic.schema_state(), CASE WHEN NOT pg_hermetic.only_added() THEN pg_hermetic.rows_state() END
"""
"""How things stand as a change begins after the test has changed the schema."""


@dataclass(eq=False)
class PostgresqlChange(Change):
    """What was written between two moments.

    Attributes:
        changed_schema: Whether it changed the schema: then hermetic's own tables of before are kept beside today's.
        origin: For one that did: what the database of before is copied from, where that must be.
    """

    changed_schema: bool = False
    origin: str | None = None


@dataclass(eq=False)
class Begun:
    """A change under way.

    Attributes:
        number: Its number.
        place: The place in the write-ahead log when it began; None where that could not be told.
        schema_state: What the schema was then, where it was not the baseline's: the test had changed it.
        rows_state: What the rows were, where the test had altered or dropped what the baseline has; None where that
            could not be told.
        properties: What belonged to the database then; None before the database was made: all is the change's then.
    """

    number: int
    place: str | None = None
    schema_state: str | None = None
    rows_state: str | None = None
    properties: State | None = None


class Changes:
    """What living fixtures changed; see ``hermetic.database.layers.Store``.

    Args:
        baseline: What they change.
        exists: Whether the database was made and marked.
    """

    def __init__(self, baseline: Baseline, exists: Callable[[], bool]) -> None:
        self._baseline = baseline
        self._exists = exists
        self._begun: Begun | None = None
        self._pending: PostgresqlChange | None = None
        self._may_hold_ended = False

    # -- set-up

    def begin(self, number: int) -> None:
        """Note what the database holds."""
        self._begun = None
        begun = Begun(number)
        if self._exists():
            self._note(begun)
        self._begun = begun

    def _note(self, begun: Begun) -> None:
        begun.properties = self._baseline.properties.wanted()
        if not self._baseline.is_untouched():
            begun.properties = self._baseline.properties.now()
            if self._one("SELECT pg_hermetic.begin_change(%s)", [begun.number])[0]:
                begun.schema_state, begun.rows_state = self._one(BEFORE)
        begun.place = self._baseline.place()

    def take(self, owner: Owner, others: Sequence[PostgresqlChange]) -> PostgresqlChange | None:
        """Make what was written since part of the baseline."""
        if self._begun is None or not self._exists():
            return None
        begun, self._begun = self._begun, None
        place = self._baseline.place()
        if place is not None and place == begun.place:
            return None
        self._baseline.look_again()
        try:
            change = self._taken(begun, owner, others)
        except LayerConflict:
            self._one("SELECT pg_hermetic.abandon_change(%s)", [begun.number])
            raise
        if self._baseline.properties.take(begun.number, begun.properties) and change is None:
            return PostgresqlChange(begun.number, owner)
        return change

    def _taken(
        self, begun: Begun, owner: Owner, others: Sequence[PostgresqlChange]
    ) -> PostgresqlChange | None:
        change = PostgresqlChange(begun.number, owner)
        if begun.rows_state is not None and self._wrote_nothing(begun):
            return None
        if begun.schema_state is not None:
            self._refuse_changes_on_changes(begun.schema_state, owner)
        elif self._baseline.schema_changed():
            change.changed_schema, change.origin = True, self._baseline.mark_another_schema(begun.number)
            return change
        with self._conflicts(change, others):
            (written,) = self._one("SELECT pg_hermetic.end_change(%s)", [begun.number])
        return change if written else None

    def _wrote_nothing(self, begun: Begun) -> bool:
        """Whether all is as it was, though the log went on: others write to it, and a page's first read may as well."""
        now = self._one("SELECT pg_hermetic.schema_state(), pg_hermetic.rows_state()")
        return bool(now == (begun.schema_state, begun.rows_state))

    def _refuse_changes_on_changes(self, before: str, owner: Owner) -> None:
        """What a fixture did to a schema that its test had changed cannot be told from what the test did."""
        state, only_added = self._one("SELECT pg_hermetic.schema_state(), pg_hermetic.only_added()")
        if state != before or not only_added:
            raise failures.changed_before(owner)

    # -- teardown

    def remove(
        self,
        change: PostgresqlChange,
        living: Sequence[PostgresqlChange],
        ended: Sequence[PostgresqlChange],
    ) -> None:
        """Take a change out of the baseline, or put that off where it changed the schema."""
        self._baseline.look_again()
        self._baseline.properties.remove(change.number)
        if change.changed_schema:
            later = [one.owner for one in living if one.number > change.number]
            if later:
                raise failures.schema_conflict(change.owner, later)
            self._pending = change  # instead of a newer one: what this one kept is older
        elif (
            self._pending is None or change.number > self._pending.number
        ):  # else it goes when the schema is back
            others = [*living, *ended]
            is_last = all(one.number <= change.number for one in others)
            with self._conflicts(change, others):
                self._one("SELECT pg_hermetic.remove_change(%s, %s)", [change.number, not is_last])

    @property
    def has_pending(self) -> bool:
        """Whether a schema has still to be brought back."""
        return self._pending is not None

    def do_pending(self, layers: Layers[PostgresqlChange]) -> bool:
        """Bring the schema of before back, now that somebody needs it: a run that ends does not.

        Where that fails it is still to be done: the next restore finds it all noted.

        Args:
            layers: Those of this baseline.

        Returns:
            Whether there was anything to bring back.
        """
        if self._pending is not None:
            self._baseline.go_back(self._pending.number, self._pending.origin)
            self._pending = None
            self._may_hold_ended = True
        if not self._may_hold_ended:
            return False
        layers.take_out(self._ended_meanwhile(layers.changes))
        self._may_hold_ended = False
        return self._baseline.restore()

    def _ended_meanwhile(self, known: Sequence[PostgresqlChange]) -> list[PostgresqlChange]:
        """What ended while another schema was in place is still in the one that came back."""
        numbers = {one.number for one in known}
        kept = self._baseline.administration.all("SELECT * FROM pg_hermetic.changes()")
        return [PostgresqlChange(number) for (number,) in kept if number not in numbers]

    # -- conflicts

    @contextmanager
    def _conflicts(self, change: PostgresqlChange, others: Sequence[PostgresqlChange]) -> Iterator[None]:
        from psycopg import Error

        try:
            yield
        except Error as error:
            if error.sqlstate != CLASH:
                raise
            raise self._conflict(change, others, error) from None

    def _conflict(
        self, change: PostgresqlChange, others: Sequence[PostgresqlChange], error: Any
    ) -> LayerConflict:
        table, relid = error.diag.message_primary, error.diag.message_detail
        writers = self._baseline.administration.all("SELECT * FROM pg_hermetic.writers(%s::oid)", [relid])
        numbers = {row[0] for row in writers} - {change.number}
        found = [one for one in others if one.number in numbers]
        if not found:
            found = [one for one in others if one.changed_schema and one.number > change.number]
        return conflict(change.owner, [one.owner for one in found], f"rows of the table {table}")

    def _one(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        return self._baseline.administration.one(query, parameters)
