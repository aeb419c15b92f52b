"""As whom the application connects, and that nobody gets around its rights and policies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer
from hermetic.database.engines import install
from tests.database.backends.postgresql.restore.application import Application
from tests.database.backends.postgresql.restore.opened import WORLD, Opened, Place

TITLES = "SELECT title FROM documents ORDER BY id"


def titles(opened: Opened, tenant: str) -> list[str]:
    """Return what a tenant sees."""
    connection = opened.connect()
    connection.execute(f"SET app.tenant = '{tenant}'")
    return [row[0] for row in connection.execute(TITLES).fetchall()]


def test_policies_hold_for_the_application(world: Opened) -> None:
    """A tenant sees its own rows, and would see others' were it not for the policy."""
    assert titles(world, "a") == ["of a"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        world.run("SET app.tenant = 'a'; INSERT INTO documents VALUES (3, 'b', 'x')")
    world.run("ALTER TABLE documents DISABLE ROW LEVEL SECURITY")
    assert titles(world, "a") == ["of a", "of b"]
    world.database.restore()
    assert titles(world, "b") == ["of b"]


def test_the_application_is_no_superuser(world: Opened) -> None:
    """What production would not allow, a test does not allow either."""
    with world.connect() as connection:
        assert connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM pg_authid")


@pytest.fixture
def tenants(superuser: Place) -> Iterator[Opened]:
    """A database whose schema names roles of its own."""
    opened = superuser.database(
        WORLD + "GRANT SELECT, INSERT, DELETE ON doubles TO reader; GRANT USAGE ON SCHEMA tenant TO reader;"
        "CREATE SCHEMA own AUTHORIZATION reader",
        roles=("reader",),
    )
    installation = install(lambda request: opened.database)
    superuser.pools.replace = installation.invalidate
    yield opened
    installation.uninstall()
    superuser.pools.replace = lambda database, connections: None
    opened.close()


def test_a_role_of_the_schemas_own(tenants: Opened) -> None:
    """An engine that logs in as one of them does, with its rights; what it writes is undone."""
    before = tenants.dump()
    application = Application("psycopg", user="reader")
    assert application.run("SELECT current_user::text") == "reader"
    application.run(
        "DELETE FROM doubles", "CREATE TABLE own.made (x integer)", "INSERT INTO own.made VALUES (1)"
    )
    with pytest.raises(Exception, match="permission denied"):
        application.run("DELETE FROM users")
    assert tenants.database.restore()
    assert tenants.dump() == before
    application.close()


def test_another_user_is_the_owner(tenants: Opened) -> None:
    """A user that nobody declared gets the owner's rights."""
    application = Application("psycopg", user="stranger")
    assert application.run("SELECT current_user::text") == tenants.database.owner
    application.close()


def test_acting_as_a_role(tenants: Opened) -> None:
    """What is written after SET ROLE and SET search_path is undone."""
    before = tenants.dump()
    tenants.run(
        "SET ROLE reader; INSERT INTO doubles VALUES ('x'); SET search_path = own; CREATE TABLE made ()"
    )
    tenants.run("SET search_path = tenant; INSERT INTO users (name) VALUES ('x')")
    tenants.run("SET search_path = ''; DELETE FROM public.items WHERE id = 3")
    assert tenants.database.restore()
    assert tenants.dump() == before


def test_a_template_belongs_to_a_role(superuser: Place) -> None:
    """Two databases with the same contents, whose applications log in as different users, each own their tables."""
    host = PostgresqlHost(superuser.instance, project="two roles")
    server = PostgresqlServer(host, worker="main", replace=superuser.pools)
    for user in ("one", "two"):
        database = server.create(f"hermetic_of_{user}", user)
        opened = Opened(database, superuser)
        database.fill(lambda: "two roles", partial(opened.build, "CREATE TABLE t (n int)"), lambda note: "")
        opened.run("INSERT INTO t VALUES (1); ALTER TABLE t ADD COLUMN m int")
        opened.close()
        database.close()
    host.close()
