"""What the databases on a server hold, as an administrator sees it."""

from __future__ import annotations

from typing import Any

from hermetic.database.backends.postgresql.server.host import PostgresqlHost


def databases(host: PostgresqlHost) -> set[str]:
    """Return the names of all databases."""
    return set(values(host, "postgres", "SELECT datname FROM pg_database"))


def values(host: PostgresqlHost, database: str, query: str) -> list[Any]:
    """Return a column."""
    with host.connect(database) as connection:
        return [value for (value,) in connection.execute(query.encode())]


def execute(host: PostgresqlHost, database: str, *statements: str) -> None:
    """Commit statements one by one."""
    with host.connect(database) as connection:
        for statement in statements:
            connection.execute(statement.encode())
