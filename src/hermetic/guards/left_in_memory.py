"""A request that commits to a database in memory which the tests keep for themselves, and which outlives the test.

An engine in memory that a conftest makes is left to the tests (see ``database/redirect.py``): hermetic cannot know
whether it stands for the application's database. Once an override hands it to the application, and a request of a test
commits by it, it does; and what was committed is there for the next test, as nobody puts it back. An engine of the test
or of its own fixture goes with it, and what the test's fixtures delete or drop again is not left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from hermetic.causes.data import LEFT_IN_MEMORY
from hermetic.events import Kind, listen, unlisten
from hermetic.events.database import Statement, TransactionEnded
from hermetic.events.lifecycle import Breach
from hermetic.owners import Owner
from hermetic.statements import WORDS, beginning_of, table_name, written

if TYPE_CHECKING:
    from hermetic.database.engines.destinations import Creation

KINDS: tuple[Kind, ...] = (Statement, TransactionEnded)

_EMPTIES = re.compile(
    r"\s*(?:DELETE\s+FROM|DROP\s+TABLE(?:\s+IF\s+EXISTS)?)\s+([\w.\"`\[\]]+)\s*;?\s*$", re.IGNORECASE
)


class Left(NamedTuple):
    """A statement of a request that wrote to a database in memory.

    Attributes:
        statement: It.
        table: The table.
        created: Where its engine was made, and by whom.
    """

    statement: Statement
    table: str
    created: Creation


class LeftInMemory:
    """Watches what requests commit to databases in memory.

    Args:
        kept_by_tests: Returns who made the engine of a connection, by its number, where that is for a database in
            memory which hermetic leaves alone; else None.
    """

    def __init__(self, kept_by_tests: Callable[[int], Creation | None]) -> None:
        self._kept_by_tests = kept_by_tests
        self._pending: dict[int, list[Left]] = {}
        self._left: list[Left] = []

    def begin(self, test: Owner) -> None:
        """Watch the statements of a test."""
        listen(self._hear, *KINDS)

    def end(self, test: Owner) -> Iterable[Breach]:
        """Watch no longer; return what is left, once for each engine."""
        unlisten(self._hear)
        found = {each.created.location: each for each in reversed(self._left)}
        self._pending.clear()
        self._left.clear()
        return [_breach(each) for each in found.values()]

    def stop(self) -> None:
        """Listen no more."""
        unlisten(self._hear)

    def _hear(self, event: Any) -> None:
        if isinstance(event, TransactionEnded):
            left = self._pending.pop(event.connection, [])
            self._left += left if event.how == "commit" else []
        elif self._left and (emptied := _EMPTIES.match(event.text)) is not None:
            self._left = [each for each in self._left if each.table != table_name(emptied[1])]
        elif event.owner.kind == "request" and beginning_of(event.text) in WORDS:
            self._note(event)

    def _note(self, event: Statement) -> None:
        write = written(event)
        created = None if write is None or event.error else self._kept_by_tests(event.connection)
        if write is None or created is None or created.owner.is_test_level or not event.owner.is_test_level:
            return
        self._pending.setdefault(event.connection, []).append(Left(event, write.table, created))


def _breach(left: Left) -> Breach:
    statement = left.statement
    message = LEFT_IN_MEMORY.told(
        (
            f"{statement.owner.name} committed to a database in memory that is not put back.",
            f"{statement.location} wrote to {left.table} by the engine that was made at {left.created.location}."
            " hermetic leaves it to the tests, and an override hands it to the application: the next test finds it.",
        ),
        (
            "delete the engine and the override: hermetic puts back what the application's own engine leads to",
            "or make the engine in a fixture of function scope",
        ),
    )
    return Breach("memory", statement.owner, statement.location, message)
