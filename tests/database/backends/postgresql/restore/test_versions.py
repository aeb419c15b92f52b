"""A server that is somebody else's, and older, with a superuser's rights and without."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import make_url

from hermetic.database.backends.postgresql.server import template_databases
from hermetic.database.backends.postgresql.server.external import External
from hermetic.steps import every_step
from tests.database.backends.postgresql.restore.opened import WORLD, Place
from tests.database.backends.postgresql.restore.operations import ADDED, ALTERED, TOUCHES, WRITES
from tests.database.backends.postgresql.restore.playing import differences
from tests.database.backends.postgresql.shared_server import URL, shared

ROWS = {**WRITES, **TOUCHES}
CHANGES = {
    name: {**ADDED, **ALTERED}[name]
    for name in ("a table", "a partition", "a column added", "an enum's value")
}


@pytest.fixture
def server() -> Iterator[psycopg.Connection]:
    """PostgreSQL at 127.0.0.1, where one is."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(shared())
        except psycopg.OperationalError as error:
            pytest.skip(f"no PostgreSQL answers at 127.0.0.1:5432: {error}")
        yield connection


@pytest.fixture(params=["superuser", "plain"])
def elsewhere(request: pytest.FixtureRequest, server: psycopg.Connection) -> Iterator[Place]:
    """That server, with either kind of rights; roles are the whole server's, so this one is the test's own."""
    plain = f"hermetic_test_{secrets.token_hex(4)}"
    server.execute(f"CREATE ROLE {plain} LOGIN CREATEDB")
    url = make_url(URL)
    user = "postgres" if request.param == "superuser" else plain
    superuser = External(url)
    place = Place(request.param, External(url.set(username=user)), superuser)
    yield place
    with every_step() as step:
        with step:
            drop_templates(place)
        for end in (place.stop, place.instance.stop, superuser.stop):
            with step:
                end()
    server.execute(f"DROP ROLE {plain}")


def own_world() -> str:
    """Return a schema whose template no other test uses: it is dropped when this one ends."""
    return f"{WORLD}-- {secrets.token_hex(4)}"


def drop_templates(place: Place) -> None:
    """Drop the templates of this run: they would stay for the next one."""
    for made in place._servers.values():
        for name, noted in template_databases.every(made.host):
            if noted.get("run") == made.host.instance.run_id:
                made.host.drop(name)


def test_everything(elsewhere: Place) -> None:
    """One operation after the other, the baseline comes back."""
    opened = elsewhere.database(own_world())
    before = opened.dump()
    for name, script in {**ROWS, **CHANGES}.items():
        opened.run(script)
        opened.database.restore()
        assert not differences(before, opened.dump()), name
    opened.close()


def test_layers(elsewhere: Place) -> None:
    """Rows and a changed schema of wider fixtures come and go."""
    opened = elsewhere.database(own_world())
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
