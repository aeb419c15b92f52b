"""The example application on PostgreSQL, with a cache of its own."""

from __future__ import annotations

from pathlib import Path

from tests.pytest_plugin.project import APP, INI, Project

URL = "postgresql+asyncpg://shop:secret@db.example/shop"


def on_postgresql(project: Project, cache: Path) -> Project:
    """Turn the example's application to PostgreSQL.

    Args:
        project: The project.
        cache: Where its server's data is kept between runs.
    """
    project.environment["HERMETIC_CACHE"] = str(cache)
    application = APP.replace("sqlite+aiosqlite:///./production.db", URL)
    return project.write(shop_py=application, pytest_ini=f"{INI}hermetic_database = postgresql\n")
