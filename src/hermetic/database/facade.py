"""What a test may do with its database, in one small object."""

from __future__ import annotations

from dataclasses import dataclass

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.urls import async_url, sync_url, text


@dataclass(frozen=True)
class EmptyDatabase:
    """An empty database of a test's own.

    Attributes:
        url: Its URL with the async driver, as ``create_async_engine`` takes it.
        sync_url: Its URL with the default sync driver.
    """

    url: str
    sync_url: str

    @classmethod
    def of(cls, worker: WorkerDatabase) -> EmptyDatabase:
        """Return what a test may know of a worker database."""
        url, sync = async_url(worker.url), sync_url(worker.url)
        return cls(text(url), text(sync))


class Database:
    """The application's worker database.

    Attributes:
        url: Its URL with the async driver, as ``create_async_engine`` takes it.
        sync_url: Its URL with the default sync driver.
    """

    def __init__(self, worker: WorkerDatabase) -> None:
        self._worker = worker
        self.url = text(async_url(worker.url))
        self.sync_url = text(sync_url(worker.url))

    def restore(self) -> bool:
        """Bring the baseline back now.

        Returns:
            Whether there was anything to undo.

        Raises:
            RestoreError: A connection with open work blocks it.
        """
        return self._worker.restore()
