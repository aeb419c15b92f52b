"""What the code of projects calls each kind of database: handed to ``hermetic.source``, which names none."""

from __future__ import annotations

from hermetic.source.databases import Databases, Kind

POSTGRESQL = Kind(
    name="postgresql",
    others=(),
    old=("postgres",),
    asynchronous={"asyncpg": "asyncpg", "psycopg": "psycopg"},
    synchronous={"psycopg": "psycopg", "psycopg2": "psycopg2"},
    packages=frozenset({"asyncpg", "psycopg", "psycopg_pool", "psycopg2", "aiopg"}),
    telling=frozenset({"asyncpg", "psycopg", "psycopg_pool", "psycopg2"}),
    openings=frozenset({"PostgresEngine", "PostgresqlDatabase"}),
    types=("PostgresDsn",),
    words=("POSTGRES", "POSTGRESQL", "PG"),
)
MYSQL = Kind(
    name="mysql",
    others=("mariadb",),
    old=(),
    asynchronous={"asyncmy": "asyncmy", "aiomysql": "aiomysql"},
    synchronous={"pymysql": "pymysql", "mysqlclient": "mysqldb"},
    packages=frozenset({"asyncmy", "aiomysql", "pymysql"}),
    telling=frozenset(),
    openings=frozenset(),
    types=("MySQLDsn", "MariaDBDsn"),
    words=("MYSQL", "MARIADB"),
)
SQLITE = Kind(
    name="sqlite",
    others=(),
    old=(),
    asynchronous={"aiosqlite": "aiosqlite"},
    synchronous={},
    packages=frozenset({"aiosqlite", "sqlite3"}),
    telling=frozenset(),
    openings=frozenset({"SQLiteEngine"}),
    types=(),
    words=("SQLITE",),
)
DATABASES = Databases((POSTGRESQL, MYSQL, SQLITE), default=SQLITE)
TORTOISE_URLS = {
    POSTGRESQL.name: "postgres://localhost/app",
    MYSQL.name: "mysql://localhost/app",
    SQLITE.name: "sqlite://:memory:",
}
"""URLs as Tortoise has them: it has schemes of its own."""

PLACEHOLDERS = {"postgresql+asyncpg": "{url}", "postgresql+psycopg": "{sync_url}"}
"""What stands in ``hermetic_env`` for the URL of a run's own database, by the scheme that an application expects."""
