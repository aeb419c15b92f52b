"""A server that is somebody else's, and older, with a superuser's rights and without."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from hermetic.database.backends.postgresql.server import template_databases
from hermetic.database.backends.postgresql.server.external import External
from tests.database.backends.postgresql.restore.opened import PLAIN, WORLD, Place
from tests.database.backends.postgresql.restore.operations import ADDED, ALTERED, TOUCHES, WRITES
from tests.database.backends.postgresql.restore.playing import differences

LEFT = "SELECT datname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE rolname = %s"
ROWS = {**WRITES, **TOUCHES}
CHANGES = {
    name: {**ADDED, **ALTERED}[name]
    for name in ("a table", "a partition", "a column added", "an enum's value")
}


@pytest.fixture
def one_at_a_time() -> Iterator[None]:
    """Roles and templates belong to the whole server, which the workers of this suite share."""
    with (Path(tempfile.gettempdir()) / "hermetic-tests-postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=["superuser", "plain"])
def elsewhere(request: pytest.FixtureRequest, one_at_a_time: None) -> Iterator[Place]:
    """PostgreSQL at 127.0.0.1, where one is."""
    url = URL.create("postgresql", "postgres", None, "127.0.0.1", 5432, "postgres")
    try:
        with psycopg.connect(url.render_as_string(), connect_timeout=2, autocommit=True) as connection:
            for (name,) in connection.execute(LEFT, [PLAIN]):  # by a run that was killed
                connection.execute(SQL("DROP DATABASE {}").format(Identifier(name)))
            connection.execute(f"DROP ROLE IF EXISTS {PLAIN}")
            connection.execute(f"CREATE ROLE {PLAIN} LOGIN CREATEDB")
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432: {error}")
    superuser = External(url)
    place = Place(
        request.param,
        External(url.set(username="postgres" if request.param == "superuser" else PLAIN)),
        superuser,
    )
    yield place
    for server in place._servers.values():
        for name, noted in template_databases.every(server.host):
            if noted.get("run") == server.host.instance.run_id:  # other workers keep theirs there, too
                server.host.drop(name)
    place.stop()
    place.instance.stop()
    with superuser.connect() as connection:
        connection.execute(f"DROP ROLE {PLAIN}")
    superuser.stop()


def test_everything(elsewhere: Place) -> None:
    """One operation after the other, the baseline comes back."""
    opened = elsewhere.database(WORLD)
    before = opened.dump()
    for name, script in {**ROWS, **CHANGES}.items():
        opened.run(script)
        opened.database.restore()
        assert not differences(before, opened.dump()), name
    opened.close()


def test_layers(elsewhere: Place) -> None:
    """Rows and a changed schema of wider fixtures come and go."""
    opened = elsewhere.database(WORLD)
    before = opened.dump()
    rows = opened.layer("rows", "INSERT INTO posts (title) VALUES ('x')", "DELETE FROM items WHERE id > 590")
    schema = opened.layer("schema", "CREATE TABLE made (id serial PRIMARY KEY)")
    during = opened.dump()
    opened.run("DELETE FROM posts; INSERT INTO made DEFAULT VALUES; ALTER TABLE users ADD x text")
    assert opened.database.restore()
    assert not differences(during, opened.dump())
    opened.database.remove_layer(rows)
    opened.database.remove_layer(schema)
    opened.database.restore()
    assert not differences(before, opened.dump())
    opened.close()
