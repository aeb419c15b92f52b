"""SQLAlchemy's dialect over that DBAPI."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import Pool, QueuePool

from tests.database.backends.toy import toydb


class ToyDialect(SQLiteDialect_pysqlite):
    """``toy://host/name``."""

    name = "toy"
    driver = "toydb"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the DBAPI."""
        return toydb

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Pool it as a server's connections are."""
        return QueuePool

    def create_connect_args(self, url: URL) -> Any:
        """A name is all that it takes."""
        return [url.database], {}

    def on_connect(self) -> Any:
        """Nothing is to be set."""
        return None
