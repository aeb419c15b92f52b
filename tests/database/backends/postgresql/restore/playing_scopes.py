"""Random suites on PostgreSQL: what their fixtures and tests do, and all that a database and its server hold."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from hypothesis import strategies as st
from sqlalchemy import URL

from hermetic.database.backends.postgresql.server.installed import any_
from tests.database.backends.playing_scopes import Play, Suite, suites
from tests.database.backends.postgresql.restore.opened import Opened, Place

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE a (id serial PRIMARY KEY, v text, mood mood);
CREATE TABLE b (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id integer REFERENCES a ON DELETE CASCADE, v text
);
CREATE TABLE large (id integer PRIMARY KEY, v text UNIQUE); -- put back by the row
CREATE TABLE plain (v text);
CREATE TABLE parts (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE SEQUENCE s;
CREATE MATERIALIZED VIEW number AS SELECT count(*) AS n FROM a;
CREATE VIEW w AS SELECT id, v FROM a;
INSERT INTO a (v) VALUES ('one'), ('two');
INSERT INTO b (a_id, v) VALUES (1, 'of one');
INSERT INTO large SELECT n, 'row ' || n FROM generate_series(1, 520) n;
INSERT INTO plain VALUES ('same'), ('same');
INSERT INTO parts VALUES (1, 'one');
SELECT lo_from_bytea(4711, 'an object');
"""

ROWS = (
    "INSERT INTO a (v, mood) VALUES ('new {n}', 'ok')",
    "UPDATE a SET v = v || '{n}' WHERE id = {n}",
    "DELETE FROM a WHERE id = {n}",
    "TRUNCATE a RESTART IDENTITY CASCADE",
    "INSERT INTO b (a_id, v) VALUES ({n}, 'b {n}')",
    "INSERT INTO large VALUES (1000 + {n}, 'large {n}')",
    "UPDATE large SET v = 'changed {n}' WHERE id = {n}",
    "DELETE FROM large WHERE id < {n}0",
    "INSERT INTO plain VALUES ('same'), ('{n}')",
    "INSERT INTO parts VALUES ({n}, 'part {n}')",
    "SELECT nextval('s')",
    "SELECT setval('s', {n}00)",
    "REFRESH MATERIALIZED VIEW number",
    "SELECT lo_put(4711, {n}, 'x')",
    "SELECT lo_from_bytea(5000 + {n}, 'new')",
)
CHANGES = (
    "ALTER TABLE a ADD COLUMN added{n} integer DEFAULT {n}",
    "ALTER TABLE a DROP COLUMN v CASCADE",
    "ALTER TABLE a ALTER v TYPE varchar(200)",
    "ALTER TABLE large ADD COLUMN added{n} text",
    "ALTER TABLE large DROP CONSTRAINT large_pkey",
    "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey",
    "ALTER TABLE b RENAME TO c",
    "ALTER TABLE plain ADD COLUMN id serial",
    "CREATE TABLE made{n} (id serial PRIMARY KEY, a_id integer REFERENCES a, v text)",
    "INSERT INTO made{n} (v) VALUES ('{n}')",
    "DROP TABLE made{n} CASCADE",
    "DROP TABLE plain",
    "CREATE TABLE parts_{n} PARTITION OF parts FOR VALUES FROM ({n}0) TO ({n}9)",
    "CREATE VIEW made_view{n} AS SELECT * FROM a",
    "DROP VIEW w",
    "CREATE MATERIALIZED VIEW made_number{n} AS SELECT count(*) + {n} AS n FROM plain",
    "DROP MATERIALIZED VIEW number",
    "CREATE SEQUENCE made_s{n}",
    "SELECT nextval('made_s{n}')",
    "ALTER SEQUENCE s INCREMENT {n}",
    "CREATE INDEX made_index{n} ON a (v)",
    "ALTER TYPE mood ADD VALUE 'mood {n}'",
    "CREATE FUNCTION made_f{n}() RETURNS integer LANGUAGE sql AS 'SELECT {n}'",
    "COMMENT ON TABLE a IS 'comment {n}'",
    "GRANT SELECT ON a TO PUBLIC",
    "ALTER DATABASE {db} SET work_mem = '{n}MB'",
    "COMMENT ON DATABASE {db} IS 'comment {n}'",
    "REVOKE CONNECT ON DATABASE {db} FROM PUBLIC",
)
statements = st.builds(
    lambda sql, n: sql.replace("{n}", str(n)), st.sampled_from([*ROWS, *ROWS, *CHANGES]), st.integers(1, 3)
)
plays = suites(statements)

OF_DATABASE = """
SELECT datdba::regrole::text, datconnlimit, shobj_description(d.oid, 'pg_database'),
    (SELECT array_agg(x::text ORDER BY x::text) FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) x),
    (SELECT array_agg(concat_ws(' ', setrole::regrole, setdatabase <> 0, setconfig) ORDER BY setrole, setdatabase)
        FROM pg_db_role_setting WHERE setdatabase IN (d.oid, 0))
FROM pg_database d WHERE datname = current_database()
"""

OF_TABLE = re.compile(r"(?<=pg_hermetic\.m)\d+")
"""The number of a table in the name of our function for it; another one where the table was made again."""


@dataclass(eq=False)
class Stage:
    """A worker database on which suite after suite is done; a new one after each that fails."""

    place: Place
    schema: str = SCHEMA
    _opened: Opened | None = None
    _whole: list[str] = field(default_factory=list)

    def do(self, suite: Suite) -> None:
        """Do a suite; in the end the whole database is as at first, as ``pg_dump`` and ``pg_dumpall`` see it."""
        if self._opened is None:
            self._opened = self.place.database(self.schema)
            self._opened.database.ensure()
            self._whole = self._dump_whole()
        opened = self._opened
        try:
            Play(opened.database, self._run, self._dump).do(suite)
            assert self._dump_whole() == self._whole
        except BaseException:
            self.close()
            raise

    def _run(self, statement: str) -> None:
        assert self._opened is not None
        with (
            closing(self._opened.connect()) as connection,
            suppress(psycopg.Error),
        ):  # much is impossible by then
            connection.execute(statement.replace("{db}", self._opened.database.name).encode())

    def _dump(self) -> dict[str, Any]:
        assert self._opened is not None
        return {**self._opened.dump(), "of the database": self._opened.rows(OF_DATABASE)}

    def _dump_whole(self) -> list[str]:
        assert self._opened is not None
        url = self.place.superuser.url(self._opened.database.name, self.place.superuser.administrator)
        return [
            *_program(
                "pg_dump", url, "--create", "--exclude-schema=pg_hermetic*", "--exclude-schema=hermetic*"
            ),
            *_program("pg_dumpall", url, "--roles-only"),
        ]

    def close(self) -> None:
        """Drop the database."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _program(name: str, url: URL, *options: str) -> list[str]:
    """Return the lines that a program of PostgreSQL's prints, but for keys that it makes up."""
    command = [str(any_().path / name), *options, f"--dbname={url.render_as_string(hide_password=False)}"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    return sorted(OF_TABLE.sub("", line) for line in printed.splitlines() if "restrict" not in line)
