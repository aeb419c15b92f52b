"""Tables from an SQL file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sqlalchemy import create_engine

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema.call import sync_url
from hermetic.errors import ConfigurationError


def builder(path: Path) -> Callable[[WorkerDatabase], None]:
    """Return a function that runs the file's statements in a worker database.

    Raises:
        ConfigurationError: From the function, when a statement fails.
    """

    def build(database: WorkerDatabase) -> None:
        engine = create_engine(sync_url(database.url))
        try:
            with engine.connect() as connection:
                driver = cast(Any, connection.connection.driver_connection)
                try:
                    _run(driver, path.read_text(encoding="utf-8-sig"))
                except engine.dialect.loaded_dbapi.Error as error:
                    raise ConfigurationError(f"hermetic_schema = {path.name}: {error}") from error
        finally:
            engine.dispose()

    return build


def _run(driver: Any, statements: str) -> None:
    """Run several statements: sqlite3 has a method for that, psycopg takes them at once if there are no parameters."""
    if hasattr(driver, "executescript"):
        driver.executescript(statements)
        return
    driver.execute(statements)
    driver.commit()
