"""What belongs to the database or to a role: no event trigger fires for it, and a copy of the database has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from hermetic.database.backends.postgresql.server import marks
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.roles import Roles
from hermetic.errors import LayerConflict
from tests.database.backends.postgresql.restore.opened import Opened, Place, fixture

SCHEMA = "CREATE TABLE users (id serial PRIMARY KEY, name text); INSERT INTO users (name) VALUES ('ada')"

STATE = """
SELECT datdba::regrole::text, datconnlimit, datistemplate, shobj_description(d.oid, 'pg_database'),
    (SELECT array_agg(format('%s %s %s', grantee::regrole, privilege_type, is_grantable) ORDER BY 1)
        FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))),
    (SELECT array_agg(format('%s %s %s', setrole::regrole, setdatabase <> 0, setconfig) ORDER BY 1)
        FROM pg_db_role_setting WHERE setdatabase IN (d.oid, 0))
FROM pg_database d WHERE datname = current_database()
"""
OID = "SELECT oid::integer FROM pg_database WHERE datname = current_database()"

CHANGES = {
    "a setting": "ALTER DATABASE {db} SET timezone = 'Asia/Tokyo'",
    "a list": 'ALTER DATABASE {db} SET search_path = app, "My schema", public',
    "a setting taken away": "ALTER DATABASE {db} RESET ALL",
    "a setting of a role in it": "ALTER ROLE CURRENT_USER IN DATABASE {db} SET work_mem = '1MB'",
    "the limit": "ALTER DATABASE {db} CONNECTION LIMIT 7",
    "whether it is a template": "ALTER DATABASE {db} IS_TEMPLATE true",
    "the comment": "COMMENT ON DATABASE {db} IS 'it''s mine'",
    "a right given": "GRANT CREATE ON DATABASE {db} TO PUBLIC",
    "a right taken": "REVOKE CONNECT, TEMPORARY ON DATABASE {db} FROM PUBLIC",
    "a right to give": "GRANT CREATE ON DATABASE {db} TO pg_monitor WITH GRANT OPTION",
}
BY_SUPERUSER = {
    "the owner": "ALTER DATABASE {db} OWNER TO pg_monitor",
    "all": "REASSIGN OWNED BY app TO pg_monitor",
    "settings of the role": "ALTER ROLE app SET work_mem = '2MB'; ALTER ROLE ALL SET work_mem = '3MB'",
    "settings of a role with an odd name": 'ALTER ROLE "Odd ""role""" SET work_mem = \'2MB\'',
    "attributes": "ALTER ROLE app NOCREATEDB CONNECTION LIMIT 3 PASSWORD 'x' VALID UNTIL '2100-01-01'",
}


@pytest.fixture
def opened(place: Place) -> Iterator[Opened]:
    """A worker database with a table."""
    made = place.database(SCHEMA)
    yield made
    made.close()


@pytest.fixture
def powerful(superuser: Place) -> Iterator[Opened]:
    """The same where hermetic may do anything, and a role of the schema's own."""
    made = superuser.database(SCHEMA, roles=('Odd "role"',))
    yield made
    made.close()


def state(opened: Opened) -> Any:
    """Return what belongs to the database and to roles."""
    return opened.rows(STATE)


def roles_of(opened: Opened) -> Roles:
    """Return what is known of the server's roles."""
    host = opened.database._host
    assert isinstance(host, PostgresqlHost)
    return host.roles


def change(opened: Opened, statement: str) -> None:
    """Run a statement about the database, as the application."""
    opened.run(*statement.format(db=opened.database.name).split("; "))


def change_as_superuser(opened: Opened, statement: str) -> None:
    """The same as one who may do more."""
    with opened.look(opened.database.name) as connection:
        for each in statement.format(db=opened.database.name).split("; "):
            connection.execute(each.encode())


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_what_a_test_changes(opened: Opened, statement: str) -> None:
    """It is as before for the next test, in the same database."""
    before, oid = state(opened), opened.rows(OID)
    change(opened, statement)
    assert state(opened) != before
    assert opened.database.dirty()
    assert opened.database.restore()
    assert state(opened) == before
    assert opened.rows(OID) == oid
    assert not opened.database.dirty()
    assert not opened.database.restore()


@pytest.mark.parametrize("statement", BY_SUPERUSER.values(), ids=BY_SUPERUSER.keys())
def test_what_a_test_changes_that_may_do_more(powerful: Opened, statement: str) -> None:
    """Owners and roles too, on a server of the run's own."""
    before, objects = state(powerful), powerful.dump()
    change_as_superuser(powerful, statement)
    assert powerful.database.restore()
    assert state(powerful) == before
    assert powerful.dump() == objects
    assert not powerful.database.restore()


def test_a_password(powerful: Opened) -> None:
    """It is noted as it is kept."""
    query = "SELECT rolpassword, rolcreatedb FROM pg_authid WHERE rolname = 'app'"
    before = powerful.rows(query)
    change_as_superuser(powerful, "ALTER ROLE app PASSWORD 'secret' NOCREATEDB")
    powerful.database.restore()
    assert powerful.rows(query) == before


def test_rights_that_a_role_gave_up(superuser: Place) -> None:
    """DROP OWNED revokes rights, of which its event says nothing."""
    opened = superuser.database(SCHEMA + ";GRANT SELECT ON users TO reader", roles=("reader",))
    before = opened.dump()
    change_as_superuser(opened, "DROP OWNED BY reader")
    assert opened.dump() != before
    opened.database.restore()
    assert opened.dump() == before
    opened.close()


def test_what_fixtures_change(opened: Opened) -> None:
    """It is part of the baseline for as long as they live; of two that set the same, the later counts."""
    before = state(opened)
    one = opened.layer("one", f"ALTER DATABASE {opened.database.name} SET work_mem = '1MB'")
    other = opened.layer("other", f"ALTER DATABASE {opened.database.name} SET work_mem = '2MB'")
    during = state(opened)
    change(opened, "ALTER DATABASE {db} RESET ALL")
    opened.database.restore()
    assert state(opened) == during
    opened.database.remove_layer(one)
    opened.database.restore()
    assert state(opened) == during
    opened.database.remove_layer(other)
    assert opened.database.dirty()
    opened.database.restore()
    assert state(opened) == before


def test_a_fixture_after_the_test_changed_something(opened: Opened) -> None:
    """Only what the fixture changed stays."""
    before = state(opened)
    change(opened, "COMMENT ON DATABASE {db} IS 'of the test'")
    layer = opened.layer("limit", f"ALTER DATABASE {opened.database.name} CONNECTION LIMIT 9")
    opened.database.restore()
    assert opened.rows("SELECT datconnlimit FROM pg_database WHERE datname = current_database()") == [9]
    opened.database.remove_layer(layer)
    opened.database.restore()
    assert state(opened) == before


def test_a_fixture_that_does_not_fit(opened: Opened) -> None:
    """Nothing of it is taken."""
    before = state(opened)
    opened.run("UPDATE users SET name = 'x'")
    start = opened.database.begin_layer()
    change(opened, "COMMENT ON DATABASE {db} IS 'of the fixture'")
    opened.run("UPDATE users SET name = 'y'")
    with pytest.raises(LayerConflict):
        opened.database.end_layer(start, fixture("late"))
    opened.database.restore()
    assert state(opened) == before


def test_a_database_that_is_made_anew(opened: Opened) -> None:
    """It has what belonged to the one before, and is marked as ours."""
    change(opened, "COMMENT ON DATABASE {db} IS 'the shop'; REVOKE CONNECT ON DATABASE {db} FROM PUBLIC")
    change(opened, "ALTER DATABASE {db} SET timezone = 'Asia/Tokyo'; ALTER DATABASE {db} CONNECTION LIMIT 50")
    opened.database.mark_baseline()
    before, oid, objects = state(opened), opened.rows(OID), opened.dump()
    opened.run("ALTER TABLE users DROP name")
    change(opened, "ALTER DATABASE {db} RESET ALL; COMMENT ON DATABASE {db} IS NULL")
    opened.database.restore()
    assert opened.rows(OID) != oid
    assert opened.dump() == objects
    assert state(opened) == before
    with opened.look("postgres") as connection:
        assert marks.read(marks.through(connection), opened.database.name)["run"]
    assert not opened.database.restore()


def test_a_template_has_it_too(place: Place) -> None:
    """What the schema's migrations set is there when the template is used, for another database of that schema."""
    schema = (
        SCHEMA
        + ";"
        + """
    DO $$ BEGIN
        EXECUTE format('COMMENT ON DATABASE %I IS ''the shop''', current_database());
        EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Tokyo''', current_database());
    END $$
    """
    )
    found = []
    for _ in range(2):
        opened = place.database(schema)
        assert opened.connect().execute("SHOW timezone").fetchone() == ("Asia/Tokyo",)
        (row,) = state(opened)
        found.append(row[:5])
        opened.close()
    assert found[0] == found[1]
    assert found[0][3] == "the shop"


def test_connections_that_learnt_of_a_setting(opened: Opened, place: Place) -> None:
    """Those that were opened since are replaced; a session knows the settings of its beginning."""
    opened.database.restore()
    place.pools.replaced.clear()
    change(opened, "ALTER DATABASE {db} SET timezone = 'Asia/Tokyo'")
    opened.database.restore()
    assert place.pools.replaced
    place.pools.replaced.clear()
    change(opened, "COMMENT ON DATABASE {db} IS 'x'")
    opened.database.restore()
    assert not place.pools.replaced


def test_a_role_that_another_process_changed(powerful: Opened) -> None:
    """It is that one's to undo; and so is what this one did, by the statement that its session ran."""
    roles = roles_of(powerful)
    roles.is_alone = False
    query = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app'"
    change_as_superuser(powerful, "ALTER ROLE app CONNECTION LIMIT 70")
    powerful.database.restore()
    assert powerful.rows(query) == [70]
    roles.altered.add("app")
    change_as_superuser(powerful, "ALTER ROLE app CONNECTION LIMIT 71")
    powerful.database.restore()
    assert powerful.rows(query) == [70]
    change_as_superuser(powerful, "ALTER ROLE app CONNECTION LIMIT -1")
    powerful.database.restore()
    assert powerful.rows(query) == [-1]
    roles.is_alone = True


def test_a_role_that_a_fixture_changed(powerful: Opened) -> None:
    """It goes back with the fixture, also where other processes use the server."""
    roles = roles_of(powerful)
    roles.is_alone = False
    query = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app'"
    start = powerful.database.begin_layer()
    roles.altered.add("app")
    change_as_superuser(powerful, "ALTER ROLE app CONNECTION LIMIT 72")
    layer = powerful.database.end_layer(start, fixture("limit"))
    assert layer is not None
    powerful.run("INSERT INTO users (name) VALUES ('x')")
    powerful.database.restore()
    assert powerful.rows(query) == [72]
    powerful.database.remove_layer(layer)
    powerful.database.restore()
    assert powerful.rows(query) == [-1]
    roles.is_alone = True


def test_a_role_on_a_server_of_others(plain: Place) -> None:
    """It is named, and left as it is."""
    opened = plain.database(SCHEMA)
    roles = roles_of(opened)
    opened.run("ALTER ROLE CURRENT_USER SET work_mem = '1MB'")
    roles.altered.add(opened.database.owner)
    try:
        opened.database.restore()
        opened.database.restore()
        assert roles.left == [
            f"the tests altered the role {opened.database.owner}, which others use too: hermetic does not undo that"
        ]
        setting = (
            f"SELECT setconfig FROM pg_db_role_setting WHERE setrole = '{opened.database.owner}'::regrole"
        )
        assert opened.rows(setting) == [["work_mem=1MB"]]
    finally:
        opened.run("ALTER ROLE CURRENT_USER RESET ALL")
        opened.database.restore()
    opened.close()


def test_a_role_that_is_gone(powerful: Opened) -> None:
    """Nothing is put back of it, and what else was changed is."""
    change_as_superuser(powerful, "CREATE ROLE passing; ALTER ROLE passing SET work_mem = '1MB'")
    change_as_superuser(powerful, "ALTER ROLE passing IN DATABASE {db} SET work_mem = '2MB'")
    powerful.database.mark_baseline()
    change_as_superuser(powerful, "DROP ROLE passing; COMMENT ON DATABASE {db} IS 'x'")
    powerful.database.restore()
    assert state(powerful)[0][3] is None


def test_a_session_that_is_ours_stays_unconcerned(opened: Opened) -> None:
    """A limit that keeps everybody out keeps nobody out of the next test."""
    change(opened, "ALTER DATABASE {db} CONNECTION LIMIT 0")
    with pytest.raises(psycopg.OperationalError):
        opened.connect()
    opened.database.restore()
    opened.connect()
