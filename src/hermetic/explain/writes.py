"""Which writes of earlier tests of a module were committed, and undone by a restore."""

from __future__ import annotations

from typing import Any, TypeAlias

from hermetic.events import Kind
from hermetic.events.database import EngineResolved, Restored, Statement, TransactionEnded
from hermetic.owners import Owner
from hermetic.statements import Write, written

MOST = 2_000
"""How many writes of a module are kept."""

Writing: TypeAlias = tuple[str, Statement]
"""The name of a test, and what it executed: what that wrote is looked for when somebody asks, which few do."""


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
        self._open: dict[int, list[Writing]] = {}
        self._committed: list[Writing] = []
        self._undone: list[Writing] = []

    def begin(self, test: Owner) -> None:
        """Forget another module's tests."""
        module = test.name.partition("::")[0]
        if module != self._module:
            self._module, self._undone = module, []

    def before(self, test: Owner) -> list[Write]:
        """Return what was undone of the tests before one, in order."""
        earlier = (written(event, name) for name, event in self._undone if name != test.name)
        return [each for each in earlier if each is not None]

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
        """Keep a statement that begins with one of ``WORDS``, until its transaction ends."""
        test = event.owner.test
        if test is not None and event.engine in self._urls:  # what outlives a test writes the baseline
            self._open.setdefault(event.connection, []).append((test.name, event))
