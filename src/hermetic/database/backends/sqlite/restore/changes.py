"""The baseline as snapshots, and what fixtures changed as the difference of two; see ``hermetic.database.layers``.

Nearly always a fixture finds a clean database and the last one in is the first out; then a change is two snapshots, and
nothing is compared. Else the rows that differ are worked out then, which takes 9 ms at 60 small tables and a second for
100,000 rows. (Noting a clean start takes 0.014 ms, and taking the change a snapshot, 0.14 ms.)

The counters of AUTOINCREMENT do not belong to one layer: each is the highest that any layer left. So ids start again at
the baseline's value, whatever order the layers came and went in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hermetic.database.backends.sqlite.restore.apply_diff import Conflict, apply
from hermetic.database.backends.sqlite.restore.copies import Snapshot
from hermetic.database.backends.sqlite.restore.difference import Delta, difference
from hermetic.database.layers import Change, conflict
from hermetic.errors import LayerConflict
from hermetic.owners import Owner


def read_sequences(snapshot: Snapshot) -> dict[str, int]:
    """Return the last id given out by each table with AUTOINCREMENT."""
    exists = snapshot.connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"
    ).fetchall()
    if not exists:
        return {}
    return dict(snapshot.connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def moved_sequences(before: Snapshot, after: Snapshot) -> dict[str, int]:
    """Return the counters of ``after`` that are not what they were."""
    old = read_sequences(before)
    return {table: seq for table, seq in read_sequences(after).items() if old.get(table) != seq}


def set_sequences(snapshot: Snapshot, base: Snapshot, moved: Iterable[dict[str, int]]) -> None:
    """Set each counter to the highest of the base's and the layers'."""
    counters = read_sequences(base)
    for layer in moved:
        for table, seq in layer.items():
            counters[table] = max(seq, counters.get(table, seq))
    execute = snapshot.connection.execute
    if not execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchall():
        return
    tables = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    execute("DELETE FROM sqlite_sequence")
    for table, seq in counters.items():
        if table in tables:
            execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, seq))


@dataclass(eq=False, kw_only=True)
class SqliteChange(Change):
    """What was written between two snapshots.

    Attributes:
        before: The database without it.
        after: The database with it.
    """

    before: Snapshot
    after: Snapshot

    @cached_property
    def delta(self) -> Delta:
        """The rows and the schema objects that it changed."""
        return difference(self.before, self.after)

    @cached_property
    def sequences(self) -> dict[str, int]:
        """Where it left the counters of AUTOINCREMENT that it moved."""
        return moved_sequences(self.before, self.after)


class Changes:
    """The baseline of one worker database; see ``hermetic.database.layers.Store``.

    Args:
        version: Return SQLite's count of other connections' commits; None while one of them is being made.
        snapshot: Take a snapshot of what the database holds now.

    Attributes:
        current: The baseline, with the changes of living fixtures.
    """

    current: Snapshot
    _base: Snapshot
    _held: Snapshot
    """What the database held when it was last looked at."""
    _version: int | None
    """The count of commits at that moment."""
    _before: Snapshot | None
    """What it held when the change that is under way began."""

    def __init__(self, version: Callable[[], int | None], snapshot: Callable[[], Snapshot]) -> None:
        self._version_now = version
        self._snapshot = snapshot
        self._number = 0
        self.mark()

    def mark(self) -> None:
        """Make what the database holds now its baseline, without any change."""
        version = self._version_now()
        self.current = self._base = self._snapshot()
        self.note_restored(version)

    def note_restored(self, version: int | None) -> None:
        """The database holds the baseline, in the middle of whatever set-up, and did at a count of commits."""
        self._held = self._before = self.current
        self._version = version

    def is_dirty(self, version: int | None) -> bool:
        """Whether the database may hold anything else than the baseline, at a count of commits."""
        return self._held is not self.current or not self._is_as_it_was(version)

    def _is_as_it_was(self, version: int | None) -> bool:
        return version is not None and version == self._version

    def _look(self) -> Snapshot:
        version = self._version_now()
        if not self._is_as_it_was(version):
            self._held, self._version = self._snapshot(), version
        return self._held

    def begin(self, number: int) -> None:
        """Note what the database holds."""
        self._number, self._before = number, None
        self._before = self._look()

    def take(self, owner: Owner, others: Sequence[SqliteChange]) -> SqliteChange | None:
        """Make what was written since part of the baseline."""
        before, self._before = self._before, None
        after = self._look()
        if before is None or after is before:
            return None
        change = SqliteChange(self._number, owner, before=before, after=after)
        if before is self.current:
            self.current = after
        elif not change.delta:
            return None
        else:
            self.current = self._changed(change, change.delta, others, [*others, change])
        return change

    def remove(
        self, change: SqliteChange, living: Sequence[SqliteChange], ended: Sequence[SqliteChange]
    ) -> None:
        """Take a change out of the baseline."""
        others = [*living, *ended]
        if not living:
            self.current = self._base
        elif self.current is change.after:
            self.current = change.before
        else:
            try:
                self.current = self._changed(change, change.delta.inverse(), others, others)
            except LayerConflict:
                if any(one.delta for one in living):
                    raise
                self.current = self._base  # whoever lives wrote what was there already

    def _changed(
        self,
        change: SqliteChange,
        delta: Delta,
        others: Sequence[SqliteChange],
        remaining: Sequence[SqliteChange],
    ) -> Snapshot:
        """Return the baseline with a change's difference, or the inverse of it, applied."""
        changed = self.current.duplicate()
        try:
            apply(delta, changed.connection)
        except Conflict as error:
            owners = [one.owner for one in others if one.delta.touches(error.table, error.key)]
            raise conflict(change.owner, owners, str(error)) from None
        set_sequences(changed, self._base, [one.sequences for one in remaining])
        return changed
