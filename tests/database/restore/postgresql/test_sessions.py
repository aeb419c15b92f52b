"""Connections in the application's pools, with each driver: what they keep, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from hermetic.errors import RestoreError
from hermetic.owners import Owner, owned_by
from tests.database.restore.postgresql.application import DRIVERS, Application
from tests.database.restore.postgresql.opened import Opened, fixture

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
