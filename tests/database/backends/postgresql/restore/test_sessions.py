"""Connections in the application's pools, with each driver: what they keep, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, event

from hermetic.database.backends.postgresql.restore.sessions import (
    leaves_traces,
    of_a_database,
    of_a_role,
)
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.errors import RestoreError
from hermetic.owners import Owner, owned_by
from tests.database.backends.postgresql.restore.application import DRIVERS, Application
from tests.database.backends.postgresql.restore.opened import Opened, Place, fixture

COMMENTS = [
    "",
    " \n\t",
    "-- a line\n",
    "/* a */ -- b\n /* c\n */",
    "/* a /* nested */ one */",
    "/**/" * 10_000,
    "-- a\n" * 10_000,
]


@pytest.mark.parametrize("before", COMMENTS, ids=range(len(COMMENTS)))
def test_comments_before_the_first_word(before: str) -> None:
    """Blanks and comments are passed over, however many, whether or not the word is one of those."""
    assert leaves_traces(f"{before}SET search_path = tenant")
    assert not leaves_traces(f"{before}SET LOCAL search_path = tenant")
    assert not leaves_traces(f"{before}1")
    assert of_a_database(f'{before}DROP DATABASE "a""b"') == ("drop", 'a"b')
    assert of_a_database(f"{before}SELECT 1") is None


def test_what_a_comment_says() -> None:
    """Is no statement, nor what stands behind one that does not end."""
    assert not leaves_traces("/* SET a = 1 */ SELECT 1")
    assert not leaves_traces("-- SET a = 1")
    assert not leaves_traces("/* a /* b */ SET a = 1")


@pytest.mark.parametrize(
    ("statement", "role"),
    [
        ("ALTER ROLE app SET work_mem = '1MB'", "app"),
        ("/* x */ alter user App NOLOGIN", "app"),
        ('ALTER ROLE "My ""role""" IN DATABASE d RESET ALL', 'My "role"'),
        ("ALTER ROLE CURRENT_USER SET x.y = 'z'", "current_user"),
        ("ALTER ROLE ALL RESET ALL", "all"),
        ("ALTER USER MAPPING FOR app SERVER s OPTIONS (x 'y')", None),
        ("ALTER TABLE role ADD x integer", None),
    ],
)
def test_a_statement_that_alters_a_role(statement: str, role: str | None) -> None:
    """The role is known by its name; words that stand for roles are given as they are."""
    assert of_a_role(statement) == role


PID = "SELECT pg_backend_pid()"


@pytest.fixture(params=DRIVERS)
def application(request: pytest.FixtureRequest, opened: Opened) -> Iterator[Application]:
    """An application on it."""
    made = Application(request.param)
    yield made
    made.close()


TRACES = {
    "set": ("SET search_path = tenant", "SELECT current_setting('search_path')", '"$user", public'),
    "set by a function": (
        "SELECT set_config('app.tenant', 'a', false)",
        "SELECT coalesce(nullif(current_setting('app.tenant', true), ''), 'none')",
        "none",
    ),
    "role": ("SET ROLE app", "SELECT current_setting('role')", "none"),
    "temporary table": (
        "CREATE TEMPORARY TABLE mine (x integer)",
        "SELECT to_regclass('pg_temp.mine')::text",
        None,
    ),
    "temporary table from a query": (
        "SELECT 1 AS x INTO TEMP mine",
        "SELECT to_regclass('pg_temp.mine')::text",
        None,
    ),
    "advisory lock": (
        "SELECT pg_advisory_lock(1)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1",
        0,
    ),
    "listen": ("/* a comment */ LISTEN channel", "SELECT count(*) FROM pg_listening_channels()", 0),
    "prepare": (
        "-- a comment\nPREPARE mine AS SELECT 1",
        "SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine'",
        0,
    ),
    "cursor": (
        "DECLARE mine CURSOR WITH HOLD FOR SELECT 1",
        "SELECT count(*) FROM pg_cursors WHERE name = 'mine'",
        0,
    ),
}


@pytest.mark.parametrize(("leave", "look", "nothing"), TRACES.values(), ids=TRACES.keys())
def test_nothing_is_left_in_a_session(
    application: Application, opened: Opened, leave: str, look: str, nothing: object
) -> None:
    """What a test left behind in a pooled connection, the next test does not find."""
    application.run(leave)
    assert application.run(look) != nothing
    opened.database.restore()
    assert application.run(look) == nothing


def test_other_sessions_stay(application: Application, opened: Opened) -> None:
    """A restore that undoes rows costs no connection, nor does what ends with its transaction."""
    pid = application.run(PID)
    application.run("INSERT INTO users (email) VALUES ('x')", "SET LOCAL search_path = tenant")
    application.run("SELECT set_config('app.tenant', 'a', true)", "SELECT pg_advisory_xact_lock(1)")
    assert opened.database.restore()
    assert application.run(PID) == pid


def test_what_the_application_sets_itself(application: Application, opened: Opened) -> None:
    """The settings of a ``connect`` listener are there in each connection."""

    def set_up(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET app.tenant = 'from the listener'")
        cursor.close()
        connection.commit()

    event.listen(application.engine, "connect", set_up)
    application.run("SET app.tenant = 'of the test'")
    opened.database.restore()
    assert application.run("SELECT current_setting('app.tenant')") == "from the listener"


def test_a_database_made_anew(application: Application, opened: Opened) -> None:
    """Every connection of the pool is replaced, and nobody notices."""
    held = [application.hold(PID) for _ in range(3)]
    for one in held:
        one.end()
    application.run("ALTER TABLE users ADD made text", "SELECT made FROM users")
    assert opened.database.restore()
    again = [application.hold("SELECT count(*) FROM users") for _ in range(3)]
    for one in again:
        one.end()
    assert application.run("SELECT count(*) FROM information_schema.columns WHERE column_name = 'made'") == 0


def test_types_that_a_test_makes(application: Application, opened: Opened) -> None:
    """A driver that remembers a type's number does not use it for another type of that name."""
    for _ in range(3):
        application.run("CREATE TYPE made AS ENUM ('a', 'b')", "CREATE TABLE uses (x made)")
        application.run("INSERT INTO uses VALUES ('a')")
        assert application.run("SELECT x FROM uses WHERE x = 'a'") == "a"
        assert opened.database.restore()


def test_work_that_the_test_left_open(application: Application, opened: Opened) -> None:
    """Is ended, so that it blocks nobody, and its pool goes on."""
    test = Owner("test_it", "test", "function")
    with owned_by(test):
        held = application.hold("UPDATE users SET name = 'x'")
    application.run("INSERT INTO users (email) VALUES ('x')")
    (work,) = opened.database.end_open_work(of=[test])
    assert work.checkout is not None and work.checkout.owner is test
    assert opened.database.restore()
    with pytest.raises(Exception, match=r"clos|terminat"):
        held.run("SELECT 1")
    held.end("invalidate")
    held.end()
    assert application.run("SELECT count(*) FROM users") == 2


def test_a_transaction_of_a_wider_owner(application: Application, opened: Opened) -> None:
    """Goes on, with what it wrote, while tests come and go."""
    with owned_by(fixture("wide", "session")):
        held = application.hold("INSERT INTO doubles VALUES ('of the wide one')")
    application.run("DELETE FROM users")
    assert opened.database.restore()
    assert held.run("SELECT count(*) FROM doubles WHERE line = 'of the wide one'") == 1
    held.end()


def test_a_wider_owner_that_blocks(opened: Opened) -> None:
    """Is named after a moment, and left alone."""
    application = Application("psycopg")
    with owned_by(fixture("wide", "session")):
        held = application.hold("UPDATE users SET name = 'x' WHERE id = 1")
    application.run("INSERT INTO users (email) VALUES ('x')")
    with pytest.raises(RestoreError, match="for 2 seconds it waited for a lock") as caught:
        opened.database.restore()
    assert "fixture 'wide', checked out at" in str(caught.value)
    assert held.run("SELECT name FROM users WHERE id = 1") == "x"
    held.end()
    assert opened.database.restore()
    application.close()


def test_a_wider_owner_in_the_way_of_a_new_database(opened: Opened) -> None:
    """Is named, and left alone."""
    application = Application("psycopg")
    with owned_by(fixture("wide", "session")):
        held = application.hold("SELECT 1")
    held.end("rollback")
    application.run("ALTER TABLE users ADD made text")
    with pytest.raises(RestoreError, match="and a connection is in use") as caught:
        opened.database.restore()
    assert "fixture 'wide', checked out at" in str(caught.value)
    held.end()
    assert opened.database.restore()
    application.close()


def test_a_wider_owner_beside_what_was_added(opened: Opened) -> None:
    """Is not in the way of dropping it."""
    application = Application("psycopg")
    with owned_by(fixture("wide", "session")):
        held = application.hold("SELECT 1")
    held.end("rollback")
    application.run("CREATE TABLE made (x integer)")
    assert opened.database.restore()
    assert held.run("SELECT count(*) FROM users") == 2
    held.end()
    application.close()


def test_several_engines_on_one_database(opened: Opened) -> None:
    """An async one and a sync one see the same rows, and both go on after a new database."""
    one, two = Application("asyncpg"), Application("psycopg2")
    one.run("INSERT INTO users (email) VALUES ('x')")
    assert two.run("SELECT count(*) FROM users") == 3
    two.run("ALTER TABLE users DROP name CASCADE")
    assert opened.database.restore()
    assert one.run("SELECT count(name) FROM users") == two.run("SELECT count(name) FROM users") == 2
    one.close()
    two.close()


def test_our_own_session_was_ended(world: Opened) -> None:
    """Somebody who ends every session ends hermetic's too; the restore says so, and the next one works."""
    world.database.restore()
    pid = world.database.administration.connection.info.backend_pid
    with world.look("postgres") as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    world.run("DELETE FROM doubles")
    with pytest.raises(RestoreError, match="its server is gone") as caught:
        world.database.restore()
    assert "terminating connection due to administrator command" in str(caught.value)
    assert "\n\n\n" not in str(caught.value)  # where the server's log is out of reach
    assert world.database.restore()
    assert world.rows("SELECT count(*) FROM doubles") == [4]


def test_our_own_session_was_ended_before_a_fixture_s_part_goes(opened: Opened) -> None:
    """It is said there too, and the part goes at the next attempt."""
    before = opened.dump()
    layer = opened.layer("wide", "DELETE FROM doubles")
    pid = opened.database.administration.connection.info.backend_pid
    with opened.look("postgres") as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(RestoreError, match="its server is gone"):
        opened.database.remove_layer(layer)
    opened.database.remove_layer(layer)
    assert opened.database.restore()
    assert opened.dump() == before


def test_transactions_of_nobody(opened: Opened) -> None:
    """What holds a lock is named also where it lies in a pool, or is no pool's at all."""
    engine = create_engine(
        "postgresql+psycopg://somebody@elsewhere.example/production", pool_reset_on_return=None
    )
    connection = engine.raw_connection()
    connection.cursor().execute("UPDATE users SET name = 'x' WHERE id = 1")
    connection.close()
    url = opened.database.url.render_as_string(hide_password=False)
    stranger = psycopg.connect(url, application_name="reports")
    stranger.execute("UPDATE users SET name = 'x' WHERE id = 2")
    opened.run("INSERT INTO users (email) VALUES ('x')")
    with pytest.raises(RestoreError) as caught:
        opened.database.restore()
    assert "  a connection that is in no one's hands: idle in transaction, process" in caught.value.why
    assert (
        "that no SQLAlchemy engine of this process opened (reports): idle in transaction" in caught.value.why
    )
    engine.dispose()
    stranger.close()
    assert opened.database.restore()


def test_a_connection_that_was_closed_meanwhile(opened: Opened) -> None:
    """Is nobody's, though another thread still gives it back."""
    application = Application("psycopg")
    held = application.hold("SELECT 1")
    (session,) = opened.database.sessions.all()
    opened.database.note_closed(session.connection)
    held.end()
    assert session.checkout is not None
    assert opened.database.sessions.all() == []
    application.close()


def test_a_fixture_that_changes_the_schema_beside_a_wider_owner(opened: Opened) -> None:
    """No copy can be taken then: tests that write rows are undone, and one that changes the schema is told why not."""
    application = Application("psycopg")
    with owned_by(fixture("wide", "session")):
        held = application.hold("SELECT 1")
    held.end("rollback")
    opened.layer("late", "ALTER TABLE users ADD made text")
    application.run("DELETE FROM doubles")
    assert opened.database.restore()
    assert application.run("SELECT count(*) FROM doubles") == 4
    held.end()
    application.run("ALTER TABLE users ADD more text")
    with pytest.raises(RestoreError, match="could not be made anew after a test changed the schema"):
        opened.database.restore()
    application.close()


def test_somebody_who_cannot_be_ended(superuser: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps copies from being made: it is built each time, and tests that write rows are undone all the same."""

    really_create = PostgresqlHost.create

    def create(host: PostgresqlHost, database: str, owner: str, template: str | None = None) -> None:
        if template is not None:  # what the server says after five seconds
            raise psycopg.errors.ObjectInUse("is being accessed by other users")
        really_create(host, database, owner)

    monkeypatch.setattr(PostgresqlHost, "create", create)
    for _ in range(2):
        opened = superuser.database("CREATE TABLE held (n integer); INSERT INTO held VALUES (1)")
        opened.layer("late", "ALTER TABLE held ADD made text")
        opened.run("DELETE FROM held")
        assert opened.database.restore()
        assert opened.rows("SELECT * FROM held") == [(1, None)]
        opened.close()


def test_a_database_that_was_written_to_before_it_was_filled(superuser: Place) -> None:
    """It is filled beside what is there, and is no template."""
    opened = superuser.database()
    opened.run("CREATE TABLE early (n integer); INSERT INTO early VALUES (1)")
    assert opened.database.fill(str, lambda: opened.build("CREATE TABLE users (n integer)"), str) == ""
    opened.database.mark_baseline()
    opened.run("DELETE FROM early; INSERT INTO users VALUES (1)")
    assert opened.database.restore()
    assert opened.rows("SELECT (SELECT n FROM early), (SELECT count(*) FROM users)") == [(1, 0)]
    opened.close()
