"""Restore for SQLite: connections that know what they have open, a queue for the lock, and a baseline made of layers.

``worker.SqliteDatabase`` ties them together; ``tracked`` reaches the connection inside what a pool holds.
"""

from hermetic.database.restore.sqlite.layers import SqliteLayer
from hermetic.database.restore.sqlite.tracked import TrackedConnection, tracked
from hermetic.database.restore.sqlite.worker import SqliteDatabase

__all__ = ["SqliteDatabase", "SqliteLayer", "TrackedConnection", "tracked"]
