"""Tables from a ``MetaData``: one ``create_all`` on a synchronous connection that no event loop owns.

PostgreSQL's schemas that tables are in are made before, which ``create_all`` leaves to migrations.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import MetaData, create_engine
from sqlalchemy.schema import CreateSchema

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema.call import sync_url


def builder(metadata: MetaData) -> Callable[[WorkerDatabase], None]:
    """Return a function that creates every table of ``metadata`` in a worker database."""

    def build(database: WorkerDatabase) -> None:
        engine = create_engine(sync_url(database.url))
        try:
            with engine.begin() as connection:
                for name in _schemas(metadata) if engine.dialect.name == "postgresql" else ():
                    connection.execute(CreateSchema(name, if_not_exists=True))
                metadata.create_all(connection)
        finally:
            engine.dispose()

    return build


def _schemas(metadata: MetaData) -> list[str]:
    return sorted({table.schema for table in metadata.tables.values() if table.schema})
