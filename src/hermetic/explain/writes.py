"""Which writes of earlier tests of a module were committed, and undone by a restore."""

from __future__ import annotations

from collections import deque
from typing import Any

from hermetic.events import Kind
from hermetic.events.database import EngineResolved, Restored, Statement, TransactionEnded
from hermetic.owners import Owner
from hermetic.statements import Write, emptied, written

MOST = 2_000
"""How many writes of a module are kept, and of those before it."""


class Undone:
    """Hears of restores, and is told of statements that write and, while it waits for some, of ends of transactions.

    What a statement wrote is looked for when somebody asks, which few do.

    Attributes:
        open: What was written in transactions that have not ended, by the number of the connection.
    """

    KINDS: tuple[Kind, ...] = (EngineResolved, Restored)

    def __init__(self) -> None:
        self._module = ""
        self._urls: set[str] = set()
        self.open: dict[int, list[Statement]] = {}
        self._committed: list[Statement] = []
        self._undone: deque[Statement] = deque(maxlen=MOST)
        self._earlier: deque[Statement] = deque(maxlen=MOST)

    def begin(self, test: Owner) -> None:
        """Put another module's tests aside."""
        module = test.name.partition("::")[0]
        if module != self._module:
            self._earlier.extend(self._undone)
            self._undone.clear()
            self._module = module

    def before(self, test: Owner) -> list[Write]:
        """Return what was undone of the tests before one, in order, without what these had removed themselves."""
        writes: list[Write] = []
        for statement in self._undone:
            if gone := emptied(statement):
                writes = [
                    each for each in writes if each.table not in gone or each.engine != statement.engine
                ]
            writes += filter(None, [written(statement)])
        return [each for each in writes if each.test != test.name]

    def ever_before(self, test: Owner) -> list[Write]:
        """Return what the tests before one had written, in all modules, as much as is kept."""
        writes = map(written, (*self._earlier, *self._undone))
        return [each for each in writes if each is not None and each.test != test.name]

    def hear(self, event: Any) -> None:
        """Keep what matters of an event."""
        if isinstance(event, EngineResolved):
            if event.outcome == "contained":
                self._urls.add(event.url)
        elif event.is_changed and self._committed:
            self._undone.extend(self._committed)
            self._committed.clear()

    def note_end(self, event: TransactionEnded) -> None:
        """Keep what a transaction wrote that was committed."""
        writes = self.open.pop(event.connection, ())
        if event.how == "commit" and len(self._committed) < MOST:
            self._committed += writes

    def note_writing(self, event: Statement) -> None:
        """Keep a statement that begins with one of ``WORDS``, until its transaction ends."""
        # What outlives a test writes the baseline.
        if event.owner.is_test_level and event.engine in self._urls:
            self.open.setdefault(event.connection, []).append(event)
