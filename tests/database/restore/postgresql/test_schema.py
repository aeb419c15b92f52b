"""What a test does to the schema is undone: what it made is dropped, and for the rest the database is made anew."""

from __future__ import annotations

import pytest

from tests.database.restore.postgresql.opened import WORLD, Opened, Place

ADDED = {
    "a table": "CREATE TABLE made (id serial PRIMARY KEY, email citext, mood mood)",
    "a table that refers to others": "CREATE TABLE made (u integer REFERENCES users); INSERT INTO made VALUES (1)",
    "a table from a query": "CREATE TABLE made AS SELECT * FROM users",
    "a table made and dropped": "CREATE TABLE made (x serial); DROP TABLE made",
    "a table made and altered": "CREATE TABLE made (x integer);"
    "ALTER TABLE made ADD y integer, ADD PRIMARY KEY (x); COMMENT ON TABLE made IS 'x'",
    "a partition": "CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200);"
    "INSERT INTO parts VALUES (2), (150)",
    "an heir": "CREATE TABLE cats () INHERITS (animals); INSERT INTO cats VALUES ('tom')",
    "a schema full of tables": "CREATE SCHEMA made;"
    + ";".join(f"CREATE TABLE made.t{n} (id serial PRIMARY KEY, x integer UNIQUE)" for n in range(60)),
    "a view": "CREATE VIEW made AS SELECT * FROM users; CREATE RULE r AS ON INSERT TO made DO INSTEAD NOTHING",
    "a materialized view": "CREATE MATERIALIZED VIEW made AS SELECT * FROM users;"
    "REFRESH MATERIALIZED VIEW made",
    "a function": "CREATE FUNCTION made(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a procedure": "CREATE PROCEDURE made() LANGUAGE sql AS 'DELETE FROM users'; CALL made()",
    "an aggregate": "CREATE AGGREGATE made (integer) (SFUNC = int4pl, STYPE = integer)",
    "a trigger": "CREATE TRIGGER made AFTER INSERT ON users EXECUTE FUNCTION note();"
    "INSERT INTO users (email) VALUES ('x')",
    "a policy": "CREATE POLICY made ON users USING (true)",
    "a rule": "CREATE RULE made AS ON INSERT TO users DO INSTEAD NOTHING",
    "an index": 'CREATE INDEX made ON users (name); CREATE UNIQUE INDEX ON "a b" ("x""y")',
    "types": "CREATE TYPE made AS ENUM ('a'); CREATE DOMAIN made_too AS made;"
    "CREATE TYPE made_three AS (x made_too)",
    "a sequence": "CREATE SEQUENCE made; SELECT nextval('made')",
    "an extension": "CREATE EXTENSION hstore",
    "statistics": "CREATE STATISTICS made ON name, email FROM users",
    "a collation": 'CREATE COLLATION made FROM "C"',
    "an operator": "CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)",
    "a text search configuration": "CREATE TEXT SEARCH CONFIGURATION made (COPY = english)",
    "rights on something made": "CREATE TABLE made (x integer); GRANT SELECT ON made TO PUBLIC",
}

ALTERED = {
    "a partition that a foreign key is extended to": "CREATE TABLE made PARTITION OF events"
    " FOR VALUES FROM ('2030-01-01') TO ('2031-01-01'); INSERT INTO events VALUES (1, '2030-02-02', 'x')",
    "a column added": "ALTER TABLE users ADD made integer DEFAULT 3",
    "a column dropped": "ALTER TABLE users DROP name CASCADE",
    "a column's default": "ALTER TABLE users ALTER name SET DEFAULT 'x'",
    "a column's type": "ALTER TABLE posts ALTER title TYPE varchar(10)",
    "a table renamed": "ALTER TABLE users RENAME TO people",
    "a table dropped": "DROP TABLE tenant.users",
    "a table dropped and made": "DROP TABLE quick; CREATE TABLE quick (id integer);"
    "INSERT INTO quick VALUES (1)",
    "a constraint added": "ALTER TABLE posts ADD CONSTRAINT made CHECK (id > 0)",
    "a constraint dropped": "ALTER TABLE posts DROP CONSTRAINT posts_user_id_fkey",
    "a constraint's deferral": "ALTER TABLE posts ALTER CONSTRAINT posts_user_id_fkey DEFERRABLE",
    "a partition detached": "DELETE FROM events WHERE id = 1;"
    "ALTER TABLE events DETACH PARTITION events_2024; INSERT INTO events_2024 VALUES (7, '2024-01-01', 'x')",
    "a partition attached": "CREATE TABLE made (LIKE events);"
    "ALTER TABLE events ATTACH PARTITION made FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');"
    "INSERT INTO events VALUES (1, '2030-02-02', 'x')",
    "no longer an heir": "ALTER TABLE dogs NO INHERIT animals",
    "triggers switched off": "ALTER TABLE watched DISABLE TRIGGER USER; DELETE FROM watched",
    "a trigger dropped": "DROP TRIGGER noted ON watched",
    "a rule dropped": "DROP RULE copied ON ruled",
    "an enum's value": "ALTER TYPE mood ADD VALUE 'angry'",
    "an enum's value renamed": "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
    "a type dropped": "DROP TYPE place CASCADE",
    "a domain's check": "ALTER DOMAIN score ADD CHECK (VALUE < 10)",
    "a function replaced": "CREATE OR REPLACE FUNCTION add_user(who text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "a view replaced": "CREATE OR REPLACE VIEW names AS SELECT id, name || 'x' AS name FROM users",
    "a view dropped": "DROP VIEW names",
    "a materialized view dropped": "DROP MATERIALIZED VIEW user_count CASCADE",
    "an index dropped": "DROP INDEX users_name_index",
    "a policy altered": "ALTER POLICY own ON documents USING (true)",
    "policies switched off": "ALTER TABLE documents DISABLE ROW LEVEL SECURITY",
    "policies no longer forced": "ALTER TABLE documents NO FORCE ROW LEVEL SECURITY",
    "a comment": "COMMENT ON TABLE users IS 'changed'; COMMENT ON COLUMN users.name IS 'new'",
    "a schema dropped": "DROP SCHEMA tenant CASCADE",
    "everything dropped": "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
    "rights granted": "GRANT INSERT ON users TO PUBLIC",
    "rights revoked": "REVOKE SELECT ON users FROM PUBLIC",
    "rights on a column": "GRANT UPDATE (title) ON posts TO PUBLIC",
    "rights on a schema": "GRANT USAGE ON SCHEMA tenant TO PUBLIC",
    "rights on a function": "REVOKE EXECUTE ON FUNCTION add_user FROM PUBLIC",
    "default rights": "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "a sequence altered": "ALTER SEQUENCE free INCREMENT 7 RESTART 1000",
    "a sequence dropped": "DROP SEQUENCE free; DROP SEQUENCE greedy",
    "an extension dropped": "DROP EXTENSION citext CASCADE",
    "storage": "ALTER TABLE users SET (fillfactor = 50); ALTER TABLE quick SET LOGGED",
}

SCHEMA = WORLD + "CREATE INDEX users_name_index ON users (name);"


@pytest.fixture
def with_index(place: Place) -> Opened:
    """The world, with an index that nothing depends on."""
    return place.database(SCHEMA)


@pytest.mark.parametrize("script", ADDED.values(), ids=ADDED.keys())
def test_what_was_added(superuser: Place, script: str) -> None:
    """It is dropped, in the same database, and rows written beside it go."""
    opened = superuser.database(SCHEMA)
    before, oid = opened.dump(), opened.rows("SELECT oid FROM pg_database WHERE datname = current_database()")
    opened.run(script, "DELETE FROM doubles")
    assert opened.database.restore()
    assert opened.rows("SELECT oid FROM pg_database WHERE datname = current_database()") == oid
    assert opened.dump() == before
    assert not opened.database.restore()
    opened.close()


NOTICED = (
    "a table",
    "a partition",
    "a view",
    "a function",
    "a trigger",
    "a policy",
    "a rule",
    "an index",
    "types",
    "an extension",
)
CHANGED = {f"added: {name}": ADDED[name] for name in NOTICED} | ALTERED


@pytest.mark.parametrize("script", ALTERED.values(), ids=ALTERED.keys())
def test_what_was_altered(superuser: Place, script: str) -> None:
    """The database is made anew, and restored as before from then on."""
    opened = superuser.database(SCHEMA)
    before = opened.dump()
    opened.run("DELETE FROM doubles", script)
    assert opened.dump() != before
    assert opened.database.dirty()
    assert opened.database.restore()
    assert opened.dump() == before
    opened.run("DELETE FROM users; DELETE FROM items WHERE id = 1")
    assert opened.database.restore()
    assert opened.dump() == before
    opened.close()


@pytest.mark.parametrize("script", CHANGED.values(), ids=CHANGED.keys())
def test_without_a_superusers_rights(plain: Place, script: str) -> None:
    """Any change of the catalog is noticed."""
    opened = plain.database(SCHEMA)
    before = opened.dump()
    opened.run("DELETE FROM doubles", script)
    changed = opened.dump() != before
    assert opened.database.restore()
    assert opened.dump() == before
    assert changed
    assert not opened.database.restore()
    opened.close()


def test_temporary_tables_are_nobodys_business(superuser: Place) -> None:
    """A table that only its session sees changes nothing."""
    opened = superuser.database(WORLD)
    connection = opened.connect()
    connection.execute("CREATE TEMPORARY TABLE made (id serial PRIMARY KEY, x text UNIQUE)")
    connection.execute("CREATE INDEX ON made (x); INSERT INTO made (x) VALUES ('x'); DROP TABLE made")
    assert not opened.database.dirty()
    opened.close()


def test_reindexing_changes_nothing(superuser: Place) -> None:
    """Nor does what keeps tables in order."""
    opened = superuser.database(WORLD)
    opened.run("REINDEX TABLE users", "VACUUM FULL users", "ANALYZE users", "CLUSTER users USING users_pkey")
    assert not opened.database.dirty()
    opened.close()


def test_a_type_of_a_column_can_be_dropped(world: Opened) -> None:
    """What hermetic keeps does not hold on to the application's types."""
    world.run(
        "ALTER TABLE users DROP mood, DROP moods; ALTER TABLE items DROP mood;"
        "DROP TABLE items_by_mood; DROP TYPE mood"
    )
