"""What an engine is told that must not connect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import URL
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic import owners
from hermetic.database.engines.destinations import Creation, masked
from hermetic.database.in_use import Checkout
from hermetic.errors import ContainmentError
from hermetic.owners import Owner


@dataclass(frozen=True)
class Refusal:
    """Stands where a database would, and refuses each connection when it is asked for."""

    url: URL
    created: Creation | None
    why: str
    hint: str = ""

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"refused: {self.why}"

    def __str__(self) -> str:
        return self.name

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> NoReturn:
        """Refuse.

        Raises:
            ContainmentError: Always; it names the engine, who asked, and the setting that would allow it.
        """
        raise refusal(self.url, self.created, self.why, asked_by=owners.current(), hint=self.hint)

    def holds(self, connection: DBAPIConnection) -> bool:
        """Nothing is on it."""
        return False

    def reach(self, user: str | None) -> NoReturn:
        """Refuse a driver of the project's own.

        Raises:
            ContainmentError: Always.
        """
        raise refusal(self.url, self.created, self.why, asked_by=owners.current(), hint=self.hint)

    def note_raw(self, raw: object) -> None:
        """Nothing is ever opened here."""

    def note_checkout(self, connection: DBAPIConnection, checkout: Checkout | None) -> None:
        """Nothing is ever checked out here."""

    def note_closed(self, connection: DBAPIConnection) -> None:
        """Nor opened."""


def refusal(
    url: URL, created: Creation | None, why: str, *, asked_by: Owner, hint: str = ""
) -> ContainmentError:
    """Build the error for an engine that must not connect."""
    shown = masked(url)
    made = f" made at {created.location}" if created else ""
    return ContainmentError(
        f"{asked_by.name} asked for a connection to {shown}, which is not a database that hermetic made.",
        why=f"The engine{made} has no worker database to go to: {why}",
        hints=(hint,)
        if hint
        else (
            f"to really open this database in tests: hermetic_allow = {shown}",
            f"if it stands for another database of the application: hermetic_targets = {shown} -> URL",
            "if the application reads its URL from the environment: hermetic_env = DATABASE_URL={url}",
        ),
    )
