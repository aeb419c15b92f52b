"""Which database an error says that there is already."""

from __future__ import annotations

from typing import Any

from asyncpg import DuplicateDatabaseError, UniqueViolationError  # type: ignore[import-untyped]
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi

from hermetic.database.backends.postgresql.new_databases import taken_name

INDEX = 'duplicate key value violates unique constraint "pg_database_datname_index"'


def test_the_name_of_a_database_that_there_is() -> None:
    """Two that make one at the same moment get the index's error, whose name SQLAlchemy's adapter leaves out."""
    raced = UniqueViolationError(INDEX)
    raced.detail = "Key (datname)=(tenant acme) already exists."
    error: Any = AsyncAdapt_asyncpg_dbapi.IntegrityError
    adapted = error(INDEX, raced)
    adapted.__cause__ = raced
    assert taken_name(adapted) == "tenant acme"
    assert taken_name(DuplicateDatabaseError('database "acme" already exists')) == "acme"
    assert taken_name(UniqueViolationError(INDEX)) is None
    assert taken_name(ValueError('database "acme" already exists')) is None
