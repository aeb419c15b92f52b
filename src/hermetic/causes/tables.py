"""Tables that are missing, or there twice."""

from __future__ import annotations

from hermetic.causes import Cause

TABLE_IN_ANOTHER_DATABASE = Cause(
    "HM750",
    "the table was made in another database",
    """
    Tables are made on an engine, and are there for whoever uses its database. A fixture that makes an engine of its own
    and the tables on it does nothing for the engine that the application has. With hermetic the application's own
    engine has its tables already: the fixture, and the override that hands its session out, can go.
    """,
)

TABLE_NOT_MADE = Cause(
    "HM751",
    "nothing has made the table",
    """
    `create_all` makes what its MetaData knows, and that knows a table once the module which defines it is imported, and
    only if its class has the same base. Import all modules with tables where the application imports the others; name
    each MetaData in `hermetic_schema`, one a line; and of what migrations make, write the migration.
    """,
)

TABLE_EXISTS_ALREADY = Cause(
    "HM752",
    "the table exists already",
    """
    Hermetic makes the tables once, before the first test, and puts their rows back before each. A fixture that makes
    them again, by `create_all` without its check or by the migrations, finds them there. Delete it; where the tests
    need what only the migrations make, have them make the tables: `hermetic_schema = alembic.ini`.
    """,
)
