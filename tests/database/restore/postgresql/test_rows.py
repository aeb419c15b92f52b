"""Rows written in every way that SQL knows."""

from __future__ import annotations

import psycopg
import pytest

from tests.database.restore.postgresql.opened import Opened, Place

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
    "rows that are the same": "DELETE FROM doubles WHERE ctid = '(0,1)'",
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


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES.keys())
def test_a_write_is_undone(world: Opened, statement: str) -> None:
    """Whatever wrote them, rows and sequences are as they were."""
    before = world.dump()
    world.run(statement)
    assert world.dump() != before or "DO NOTHING" in statement
    assert world.database.dirty()
    assert world.database.restore()
    assert world.dump() == before
    assert not world.database.dirty()
    assert not world.database.restore()


def test_copy(world: Opened) -> None:
    """Rows that came by COPY go."""
    before = world.dump()
    connection = world.connect()
    with connection.cursor() as cursor, cursor.copy("COPY doubles FROM STDIN") as sink:
        sink.write("one\ntwo\n")
    assert world.database.restore()
    assert world.dump() == before


def test_a_transaction_that_rolled_back(world: Opened) -> None:
    """Leaves nothing to undo but the sequences that it moved."""
    before = world.dump()
    connection = world.connect(autocommit=False)
    connection.execute("INSERT INTO posts (title) VALUES ('x'); DELETE FROM doubles")
    connection.rollback()
    assert world.rows("SELECT last_value FROM posts_id_seq") == [3]
    assert world.database.restore()
    assert world.dump() == before


def test_a_transaction_that_is_not_over(world: Opened) -> None:
    """Goes on undisturbed, and what it commits later is undone then."""
    before = world.dump()
    connection = world.connect(autocommit=False)
    connection.execute("INSERT INTO doubles VALUES ('later')")
    world.run("INSERT INTO doubles VALUES ('now')")
    assert world.database.restore()
    assert world.dump() == before
    connection.commit()
    assert world.database.restore()
    assert world.dump() == before


def test_a_savepoint_that_rolled_back(world: Opened) -> None:
    """The rest of its transaction is noticed all the same."""
    before = world.dump()
    connection = world.connect(autocommit=False)
    connection.execute("SAVEPOINT one; DELETE FROM doubles; ROLLBACK TO one; DELETE FROM audit")
    connection.execute("INSERT INTO quick VALUES (2, 'two')")
    connection.commit()
    assert world.database.restore()
    assert world.dump() == before


def test_a_replica(superuser: Place) -> None:
    """A session in which ordinary triggers do not fire is noticed all the same."""
    opened = superuser.database(
        "CREATE TABLE t (x integer PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 600)"
    )
    before = opened.dump()
    with superuser.look(opened.database.name) as connection:
        connection.execute("SET session_replication_role = replica; DELETE FROM t WHERE x > 20")
    assert opened.database.restore()
    assert opened.dump() == before
    opened.close()


def test_ids_start_again(world: Opened) -> None:
    """Each test gets the ids that the one before got."""
    for _ in range(2):
        with world.connect() as connection:
            row = connection.execute("INSERT INTO users (email) VALUES ('x') RETURNING id").fetchone()
            assert row == (3,)
        world.database.restore()


def test_the_applications_lastval(world: Opened) -> None:
    """No sequence of hermetic's comes between an insert and the question which id it got."""
    connection = world.connect()
    connection.execute("INSERT INTO posts (title) VALUES ('x')")
    connection.execute("UPDATE items SET name = 'x' WHERE id = 1")
    assert connection.execute("SELECT lastval()").fetchone() == (3,)


def test_a_sequence_with_a_cache(world: Opened) -> None:
    """A session does not go on with values that it was handed before a restore."""
    connection = world.connect()
    first = connection.execute("SELECT nextval('greedy')").fetchone()
    world.database.restore()
    assert connection.execute("SELECT nextval('greedy')").fetchone() == first


def test_deferred_constraints_still_hold(world: Opened) -> None:
    """After a restore foreign keys are checked as the schema says."""
    world.run("DELETE FROM visits; UPDATE employees SET boss = NULL; UPDATE hens SET egg = egg")
    world.database.restore()
    for statement in (
        "INSERT INTO visits VALUES (99, '2024-01-01')",
        "INSERT INTO employees VALUES (9, 99)",
        "INSERT INTO hens VALUES (9, 9)",
    ):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            world.run(statement)
