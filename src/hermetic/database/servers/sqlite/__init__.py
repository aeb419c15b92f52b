"""SQLite's worker databases: ``server`` makes them as files, ``store`` keeps what they are filled from."""

from hermetic.database.servers.sqlite.server import SqliteServer, reap
from hermetic.database.servers.sqlite.store import TemplateFiles

__all__ = ["SqliteServer", "TemplateFiles", "reap"]
