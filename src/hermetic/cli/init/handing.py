"""Decide whether an application is handed hermetic's own URL, or one that only says which database is meant.

With SQLAlchemy the latter does: every engine is led to a database of hermetic's, and a run without database tests
starts none. A driver that the application calls itself is not seen. It must be given the URL to go to, or it would
go where the settings of the machine lead it.
"""

from __future__ import annotations

from collections.abc import Iterable

from hermetic.cli.init.engines import Opening

POSTGRESQL = frozenset({"asyncpg", "psycopg", "psycopg_pool", "psycopg2", "aiopg"})
"""The drivers of PostgreSQL."""

PLACEHOLDERS = {"postgresql+asyncpg": "{url}", "postgresql+psycopg": "{sync_url}"}


def placeholder(openings: Iterable[Opening], scheme: str) -> str:
    """Return what stands for the URL in ``hermetic_env``; empty where a fixed one will do.

    Args:
        openings: Where the application opens databases.
        scheme: Of the URL that the application expects.
    """
    found = list(openings)
    if not scheme.startswith("postgres") or not any(each.package in POSTGRESQL for each in found):
        return ""
    if not any(each.is_engine for each in found):
        return "{dsn}"  # drivers take no name of a driver in a URL
    return PLACEHOLDERS.get(scheme, "{dsn}")
