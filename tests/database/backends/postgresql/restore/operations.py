"""What applications and tests do to the database of ``world.sql``, by name."""

from __future__ import annotations

WRITES = {
    "insert": "INSERT INTO users (email) VALUES ('new')",
    "update": "UPDATE users SET name = 'x', mood = 'sad', home = '(9,z)', homes = NULL WHERE id = 1",
    "update of a key": "UPDATE users SET id = 7 WHERE id = 1",
    "delete": "DELETE FROM comments",
    "delete that cascades": "DELETE FROM users",
    "truncate": "TRUNCATE audit, doubles",
    "truncate cascade": "TRUNCATE users CASCADE",
    "truncate restart identity": "TRUNCATE comments, posts RESTART IDENTITY",
    "merge": """
        MERGE INTO users u USING (VALUES (1, 'a'), (9, 'b')) AS v (id, name) ON u.id = v.id
        WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, email) VALUES (v.id, v.name)
    """,
    "on conflict do update": """
        INSERT INTO users (email, name) VALUES ('ada@example.org', 'changed'), ('new', 'new')
        ON CONFLICT (email) DO UPDATE SET name = excluded.name
    """,
    "on conflict do nothing": "INSERT INTO users (email) VALUES ('ADA@example.org') ON CONFLICT DO NOTHING",
    "with": """
        WITH gone AS (DELETE FROM doubles RETURNING line), new AS (INSERT INTO audit (what) SELECT line FROM gone)
        UPDATE posts SET title = 'x'
    """,
    "a select that writes": "WITH gone AS (DELETE FROM doubles RETURNING line) SELECT * FROM gone",
    "a function": "SELECT add_user('by function')",
    "an anonymous block": "DO $$ BEGIN INSERT INTO tenant.users (name) VALUES ('x'); END $$",
    "a trigger": "UPDATE watched SET v = 'x'",
    "a rule": "INSERT INTO ruled VALUES (2)",
    "a view": "UPDATE names SET name = 'by view'",
    "identity always": "INSERT INTO posts (title) VALUES ('new')",
    "identity overridden": "INSERT INTO posts (id, title) OVERRIDING SYSTEM VALUE VALUES (99, 'new')",
    "identity by default": "INSERT INTO comments (id, line) VALUES (99, 'new'), (DEFAULT, 'newer')",
    "references to itself": "UPDATE comments SET answers = 1 WHERE id = 3; DELETE FROM comments WHERE id = 2",
    "a circle of references": "UPDATE employees SET department = NULL; DELETE FROM departments",
    "a circle that cannot wait": "INSERT INTO employees VALUES (3, 2, 1); INSERT INTO departments VALUES (2, 3)",
    "a circle that always was": """
        SET CONSTRAINTS ALL DEFERRED; INSERT INTO hens VALUES (2, 2); INSERT INTO eggs VALUES (2, 2);
        DELETE FROM hens WHERE id = 1; DELETE FROM eggs WHERE id = 1
    """,
    "a parent of partitions": "INSERT INTO events VALUES (9, '2025-09-09', 'x'), (9, '2024-09-09', 'x')",
    "a parent's update": "UPDATE events SET what = 'moved', day = day - 365 WHERE id = 3",
    "a partition itself": "INSERT INTO events_2025_other VALUES (9, '2025-09-09', 'x')",
    "a partition in between": "DELETE FROM events_2025",
    "truncate of partitions": "TRUNCATE events CASCADE",
    "a cascade to and from partitions": "DELETE FROM events WHERE id = 1",
    "an heir by its parent": "UPDATE animals SET name = 'x'",
    "an heir": "INSERT INTO dogs VALUES ('new', 'x')",
    "a parent only": "DELETE FROM ONLY animals",
    "a table without columns": "INSERT INTO nothing DEFAULT VALUES",
    "rows that are the same": "DELETE FROM doubles WHERE ctid = (SELECT ctid FROM doubles LIMIT 1)",
    "odd names": '''INSERT INTO "a b" ("x""y", t) VALUES (2, 'x'); UPDATE "Odd ""one"""."T" SET "T" = 'x' ''',
    "a column called like a table": 'DELETE FROM "a b"',
    "the same name in another schema": "DELETE FROM tenant.users",
    "an unlogged table": "DELETE FROM quick",
    "exclusion": "DELETE FROM bookings; INSERT INTO bookings VALUES (1, '[3,8)')",
    "an enum, a domain, a composite": "UPDATE users SET moods = '{sad}', score = 0, home = ROW(1, NULL)",
    "a json column": "UPDATE posts SET body = '{}'",
    "a rule instead": "INSERT INTO protected VALUES (2)",
    "row-level security": "SET app.tenant = 'a'; DELETE FROM documents",
    "a sequence": "SELECT nextval('free')",
    "a sequence set": "SELECT setval('free', 500, false)",
    "a sequence used for the first time": "SELECT nextval('tenant.never_called')",
    "a large object": "SELECT lo_from_bytea(0, 'new')",
    "a large object changed": "SELECT lo_put(4711, 0, 'AN')",
    "a large object gone": "SELECT lo_unlink(4711)",
    "a view refreshed": "INSERT INTO users (email) VALUES ('x'); REFRESH MATERIALIZED VIEW user_count",
    "views of views refreshed": """
        DELETE FROM posts; DELETE FROM users; REFRESH MATERIALIZED VIEW user_count;
        REFRESH MATERIALIZED VIEW count_of_count
    """,
    "an unfilled view refreshed": "REFRESH MATERIALIZED VIEW unfilled",
    "a view emptied": "REFRESH MATERIALIZED VIEW user_count WITH NO DATA",
    "a stale view refreshed": "REFRESH MATERIALIZED VIEW stale",
}

TOUCHES = {
    "insert": "INSERT INTO items VALUES (1000, 'new', 'sad')",
    "update": "UPDATE items SET name = 'changed' || id WHERE id % 7 = 0",
    "update of the key": "UPDATE items SET id = id + 10000 WHERE id < 5",
    "unique values that change places": """
        UPDATE items SET name = 'x' WHERE id = 1; UPDATE items SET name = 'item 1' WHERE id = 2;
        UPDATE items SET name = 'item 2' WHERE id = 1
    """,
    "keys that change places": """
        UPDATE items SET id = -1 WHERE id = 1; UPDATE items SET id = 1 WHERE id = 2;
        UPDATE items SET id = 2 WHERE id = -1
    """,
    "delete": "DELETE FROM items WHERE id IN (3, 600)",
    "all": "DELETE FROM items",
    "truncate": "TRUNCATE items CASCADE; INSERT INTO items VALUES (1, 'x')",
    "a touch, then truncate": "DELETE FROM items WHERE id = 1; TRUNCATE items CASCADE",
    "on conflict": "INSERT INTO items VALUES (1, 'x'), (1001, 'y') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "merge": """
        MERGE INTO items i USING (VALUES (1), (2), (2000)) v (id) ON i.id = v.id
        WHEN MATCHED AND v.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET name = 'merged'
        WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'x')
    """,
    "a cascade": "DELETE FROM items WHERE id = 5; UPDATE items SET id = 7000 WHERE id = 6",
    "back to what it was": "UPDATE items SET name = 'x' WHERE id = 1; UPDATE items SET name = 'item 1' WHERE id = 1",
    "a key of an enum": "UPDATE items_by_mood SET mood = 'sad', n = 1000 WHERE mood = 'ok' AND n = 1",
    "a composite key": "DELETE FROM items_by_mood WHERE n = 7; INSERT INTO items_by_mood VALUES ('ok', 700, 'x')",
    "a copy of a table": "INSERT INTO items SELECT id + 5000, name || 'x' FROM items",
    "without a key": "DELETE FROM readings WHERE n = 3; UPDATE readings SET v = 1 WHERE n = 4",
}
"""To large tables, which are put back by the row."""

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
    "many tables": ";".join(
        f"CREATE TABLE made_{n} (id serial PRIMARY KEY, x integer UNIQUE, y integer REFERENCES made_{n})"
        for n in range(60)
    ),
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
    "a text search dictionary": "CREATE TEXT SEARCH DICTIONARY made (TEMPLATE = simple)",
    "a publication": "CREATE PUBLICATION made FOR TABLE users",
    "a cast": "CREATE CAST (mood AS integer) WITH INOUT",
    "a conversion": "CREATE CONVERSION made FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1",
    "rights on something made": "CREATE TABLE made (x integer); GRANT SELECT ON made TO PUBLIC",
}
"""To the schema, by adding something."""

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
    "a comment on a constraint": "COMMENT ON CONSTRAINT users_pkey ON users IS 'x'",
    "a comment on a function": "COMMENT ON FUNCTION add_user IS 'x'",
    "a comment on a type": "COMMENT ON TYPE mood IS 'x'; COMMENT ON DOMAIN score IS 'y'",
    "a comment on a policy": "COMMENT ON POLICY own ON documents IS 'x'",
    "a comment on a trigger": "COMMENT ON TRIGGER noted ON watched IS 'x'",
    "a comment on a large object": "COMMENT ON LARGE OBJECT 4711 IS 'x'",
    "a comment on the database's schema": "COMMENT ON SCHEMA public IS 'x'",
    "what tables are clustered on": "ALTER TABLE users CLUSTER ON users_pkey",
    "statistics of a column": "ALTER TABLE users ALTER name SET STATISTICS 7",
    "a large object's owner's rights": "GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC",
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
"""To what is in the schema already."""
