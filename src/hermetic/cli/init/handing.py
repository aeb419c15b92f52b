"""Decide whether an application is handed hermetic's own URL, or one that only says which database is meant.

With SQLAlchemy the latter does: every engine is led to a database of hermetic's, and a run without database tests
starts none. A driver that the application calls itself is not seen. It must be given the URL to go to, or it would
go where the settings of the machine lead it.
"""

from __future__ import annotations

from hermetic.cli.init.sources import Sources

DRIVERS = frozenset({"asyncpg", "psycopg", "psycopg_pool", "psycopg2", "aiopg"})
HARMLESS = (".exceptions", ".errors", ".types")
"""Parts of drivers that open no connection."""

PLACEHOLDERS = {"postgresql+asyncpg": "{url}", "postgresql+psycopg": "{sync_url}"}


def placeholder(sources: Sources, scheme: str) -> str:
    """Return what stands for the URL in ``hermetic_env``; empty where a fixed one will do.

    Args:
        sources: The project.
        scheme: Of the URL that the application expects.
    """
    imported = {name for module in sources.production for name in module.imported}
    opening = {name.partition(".")[0] for name in imported if not any(part in name for part in HARMLESS)}
    if not scheme.startswith("postgres") or not opening & DRIVERS:
        return ""
    if not opening & {"sqlalchemy", "sqlmodel"}:
        return "{dsn}"  # drivers take no name of a driver in a URL
    return PLACEHOLDERS.get(scheme, "{dsn}")
