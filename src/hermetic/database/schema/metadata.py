"""Tables from a ``MetaData``: one ``create_all`` on a synchronous connection that no event loop owns.

Schemas that tables are in are made before, which ``create_all`` leaves to migrations.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import MetaData, create_engine
from sqlalchemy.schema import CreateSchema

from hermetic.database import backends
from hermetic.database.protocols import WorkerDatabase


def builder(metadata: MetaData) -> Callable[[WorkerDatabase], None]:
    """Return a function that creates every table of ``metadata`` in a worker database."""

    def build(database: WorkerDatabase) -> None:
        engine = create_engine(backends.of(database.url).sync_url(database.url))
        try:
            with engine.begin() as connection:
                for name in _schemas(metadata) if backends.of(database.url).has_schemas else ():
                    connection.execute(CreateSchema(name, if_not_exists=True))
                metadata.create_all(connection)
        finally:
            engine.dispose()

    return build


def _schemas(metadata: MetaData) -> list[str]:
    return sorted({table.schema for table in metadata.tables.values() if table.schema})
