"""Restore for SQLite: connections that know what they have open, a queue for the lock, and a baseline made of layers.

``worker.SqliteDatabase`` ties them together; ``tracked`` reaches the connection inside what a pool holds.
"""

from hermetic.database.backends.sqlite.restore.connection import TrackedConnection, tracked
from hermetic.database.backends.sqlite.restore.worker import SqliteDatabase

__all__ = ["SqliteDatabase", "TrackedConnection", "tracked"]
