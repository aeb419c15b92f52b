"""SQLite's worker databases: ``server`` makes them as files, ``store`` keeps what they are filled from."""

from hermetic.database.backends.sqlite.server.server import SqliteServer, reap
from hermetic.database.backends.sqlite.server.store import TemplateFiles

__all__ = ["SqliteServer", "TemplateFiles", "reap"]
