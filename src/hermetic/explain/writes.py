"""What statements write, and which writes of earlier tests of a module were committed, and undone by a restore."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from hermetic.events import Kind
from hermetic.events.database import EngineResolved, Restored, Statement, TransactionEnded
from hermetic.owners import Owner

MOST = 2_000
"""How many writes of a module are kept."""

WORDS = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCA", "REPLAC", "MERGE "})
"""How a statement begins that writes, as far as it is looked at first."""

_WRITE = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|TRUNCATE|REPLACE|MERGE)\s+(?:OR\s+\w+\s+)?(?:INTO\s+|FROM\s+|TABLE\s+)?(?:ONLY\s+)?"
    r"([\w.\"`\[\]]+)",
    re.IGNORECASE,
)


class Write(NamedTuple):
    """A statement that wrote.

    Attributes:
        test: The test that did, itself or by a request.
        verb: ``"INSERT"``, ``"UPDATE"`` and so on.
        table: The table's name, without its schema.
        rows: How many rows; less than 1 where the driver did not say.
        parameters: Its parameters, as they were told.
        engine: The URL of its engine.
    """

    test: str
    verb: str
    table: str
    rows: int
    parameters: str
    engine: str


class Undone:
    """Hears of statements that write, of ends of transactions and of restores."""

    KINDS: tuple[Kind, ...] = (
        EngineResolved,
        TransactionEnded,
        Restored,
    )

    def __init__(self) -> None:
        self._module = ""
        self._urls: set[str] = set()
        self._open: dict[int, list[Write]] = {}
        self._committed: list[Write] = []
        self._undone: list[Write] = []

    def begin(self, test: Owner) -> None:
        """Forget another module's tests."""
        module = test.name.partition("::")[0]
        if module != self._module:
            self._module, self._undone = module, []

    def before(self, test: Owner) -> list[Write]:
        """Return what was undone of the tests before one, in order."""
        return [each for each in self._undone if each.test != test.name]

    def hear(self, event: Any) -> None:
        """Keep what matters of an event."""
        if isinstance(event, TransactionEnded):
            writes = self._open.pop(event.connection, ()) if self._open else ()
            if event.how == "commit" and len(self._committed) < MOST:
                self._committed += writes
        elif isinstance(event, EngineResolved):
            if event.outcome == "contained":
                self._urls.add(event.url)
        elif event.is_changed and self._committed:
            self._undone = [*self._undone, *self._committed][-MOST:]
            self._committed = []

    def note_writing(self, event: Statement) -> None:
        """Keep what a statement that begins with one of ``WORDS`` wrote, until its transaction ends."""
        test = event.owner.test  # what outlives one writes the baseline
        write = written(event, "" if test is None else test.name)
        if write is not None and test is not None and event.engine in self._urls:
            self._open.setdefault(event.connection, []).append(write)


def written(event: Statement, test: str) -> Write | None:
    """Return what a statement wrote; None where it only read."""
    found = _WRITE.match(event.text)
    if found is None:
        return None
    return Write(test, found[1].upper(), table_name(found[2]), event.rows, event.parameters, event.engine)


def table_name(table: str) -> str:
    """Return a table's name as a statement writes it, without its schema and its quotes."""
    return table.rpartition(".")[2].strip('"`[]').lower()
