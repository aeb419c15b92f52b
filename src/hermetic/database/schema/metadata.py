"""Tables from a ``MetaData``: one ``create_all`` on a synchronous connection that no event loop owns."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import MetaData, create_engine

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.schema.call import sync_url


def builder(metadata: MetaData) -> Callable[[WorkerDatabase], None]:
    """Return a function that creates every table of ``metadata`` in a worker database."""

    def build(database: WorkerDatabase) -> None:
        engine = create_engine(sync_url(database.url))
        try:
            metadata.create_all(engine)
        finally:
            engine.dispose()

    return build
