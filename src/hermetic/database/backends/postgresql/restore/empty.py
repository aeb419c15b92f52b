"""An empty database for one test, as its migrations would find it: with nothing of hermetic's in it."""

from __future__ import annotations

from typing import Any

from hermetic.database.backends.postgresql.restore.worker import PostgresqlDatabase


class EmptyDatabase(PostgresqlDatabase):
    """A database that has no baseline: it is dropped when its test ends, and not restored."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._is_being_filled = True  # for good: so no baseline is ever marked in it

    def dirty(self) -> bool:
        """Whether there may be something in it."""
        return self.exists

    def close(self) -> None:
        """Drop it; what the test's engines still hold is told to go."""
        self.connected.end_all()
        super().close()
