"""How a redirected engine's connections are opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from hermetic.database.engines import private
from hermetic.database.engines.blueprint import Blueprint
from hermetic.database.engines.connections import OpenConnections
from hermetic.database.engines.destinations import Target
from hermetic.database.passing import free


@dataclass(frozen=True, eq=False)
class Opening:
    """What one engine opens.

    Attributes:
        engine: The engine's URL, password masked.
        dialect: The engine's.
        arguments: What it would have passed to its driver.
        target: Where its connections go; None: where its URL says, by its own creator.
        blueprint: How its pool is made.
        check: Refuses a connection that is not where it should be.
    """

    engine: str
    dialect: Dialect
    arguments: private.ConnectArguments
    target: Target | None
    blueprint: Blueprint
    check: Callable[[DBAPIConnection], None]

    def open(self, record: ConnectionPoolEntry) -> DBAPIConnection:
        """Open a connection.

        Raises:
            ContainmentError: It is refused, or did not end where it was sent.
        """
        if self.target is None:
            with free():
                return private.open_from(self.blueprint.original, record)
        connection = self.target.open(self.dialect, self.arguments.args, self._params())
        if not self.target.holds(connection):
            self.check(connection)
        return connection

    def _params(self) -> dict[str, object]:
        params = dict(self.arguments.params)
        if self.blueprint.in_memory:
            params["check_same_thread"] = False  # its pool of one connection a thread is gone
        return params


@dataclass(frozen=True, eq=False)
class Opener:
    """The creator of one pool: opens connections and remembers them."""

    opening: Opening
    holder: OpenConnections

    def __call__(self, rec: ConnectionPoolEntry) -> DBAPIConnection:
        connection = self.opening.open(rec)
        self.holder.add(connection, rec, self.opening.dialect, self.opening.target)
        return connection
