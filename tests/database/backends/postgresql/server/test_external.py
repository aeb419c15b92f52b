"""A server that is somebody else's: the one at HERMETIC_TEST_POSTGRESQL; where none answers, an embedded one."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from hermetic.database.backends.postgresql.drivers.libpq import dsn
from hermetic.database.backends.postgresql.server import PREFIX, Instance, instance_from, marks, new_instance
from hermetic.database.backends.postgresql.server.external import External
from hermetic.errors import ConfigurationError
from tests.database.backends.postgresql import shared_server
from tests.database.backends.postgresql.server.processes import STARTED, WAITS, eventually, kill, line, run

URL = os.environ.get("HERMETIC_TEST_POSTGRESQL", shared_server.URL)


def answers(url: str) -> bool:
    """Whether there is a server."""
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2).close()
        return True
    return False


@pytest.fixture(scope="module")
def url(suite_cache: Path) -> Iterator[str]:
    """The server's URL."""
    if answers(URL):
        yield URL
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERMETIC_CACHE", str(suite_cache))
        embedded = new_instance("embedded", project=Path("/nowhere"))
        embedded.start()
        yield embedded.url("postgres", embedded.administrator).render_as_string()
        embedded.stop()


@pytest.fixture
def shared(url: str) -> Iterator[None]:
    """Nobody else has left there what this test may drop."""
    with shared_server.shared(url):
        yield


@pytest.fixture
def instance(url: str) -> Iterator[External]:
    """An instance on it."""
    made = External(make_url(url))
    yield made
    made.stop()


@pytest.fixture
def role(instance: External) -> Iterator[str]:
    """A role that may not create databases."""
    name = f"hermetic_test_{instance.run_id}"
    with instance.connect() as connection:
        connection.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'secret'")
    yield name
    with instance.connect() as connection:
        for (database,) in connection.execute(
            "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = %s", (name,)
        ).fetchall():
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        connection.execute(f'DROP ROLE "{name}"')


def as_role(instance: External, role: str, run_id: str | None = None) -> External:
    """Return an instance on the same server for another role."""
    return External(instance._url.set(username=role, password="secret"), run_id)


def names(instance: Instance, owner: str) -> set[str]:
    """Return a role's databases."""
    query = "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = %s"
    with instance.connect() as connection:
        return {name for (name,) in connection.execute(query, (owner,))}


def test_it_is_an_instance(instance: Instance) -> None:
    """The type checker holds it against the protocol here; what needs no doing is not done."""
    instance.begin()
    instance.keep()
    assert len(instance.run_id) == 8


def test_facts(instance: External) -> None:
    """What is told of the server is what it tells of itself."""
    facts = instance.start()
    with instance.connect() as connection:
        assert facts.version == connection.info.server_version
    assert facts.is_superuser
    assert facts.max_connections > 0
    assert instance.start() is facts


def test_the_password_is_nobodys(instance: External, role: str) -> None:
    """No text has it but the URLs that need it."""
    with instance.connect() as connection:
        connection.execute(f'ALTER ROLE "{role}" CREATEDB')
    other = as_role(instance, role)
    assert "secret" not in str(other.start())
    assert not other.start().is_superuser
    assert other.administrator == role
    assert other.url("x", role).password == "secret"
    assert other.url("x", "somebody").password is None
    assert other.url("x", "somebody", "else").password == "else"
    other.stop()


def test_the_urls_options_stay() -> None:
    """Host, port and what stands behind the question mark."""
    instance = External(make_url("postgresql://u:p@db.example:6000/app?sslmode=require"))
    url = instance.url("x", "u").render_as_string(hide_password=False)
    assert url == "postgresql://u:p@db.example:6000/x?sslmode=require"


def test_the_port_that_a_url_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is PostgreSQL's own, whatever the environment says; where no host is named libpq knows both."""
    monkeypatch.setenv("PGPORT", "1")
    assert External(make_url("postgresql://u@db.example/app")).url("x", "u").port == 5432
    assert External(make_url("postgresql://u@/app")).url("x", "u").port is None


def test_createdb_is_needed(instance: External, role: str) -> None:
    """The error says who lacks it and how it is given."""
    other = as_role(instance, role)
    with pytest.raises(ConfigurationError, match="may not create databases") as caught:
        other.start()
    assert f'ALTER ROLE "{role}" CREATEDB' in str(caught.value)
    assert "secret" not in str(caught.value)
    other.stop()


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:secret@127.0.0.1:1/x",
        "postgresql://u:secret@/x?ssl=1",
        "postgresql://u:secret words@127.0.0.1:1/x",
        "postgresql://u:secret%20words%25@127.0.0.1:1/x",
        "postgresql://u@127.0.0.1:1/x?password=secret%20words&sslmode=nonsense",
    ],
)
def test_a_server_that_is_not_there_is_told(text: str) -> None:
    """With the setting to look at, without the password."""
    with pytest.raises(ConfigurationError, match="cannot be reached") as caught:
        External(make_url(text)).start()
    assert "hermetic_postgresql" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing answers, each try takes minutes: the others are told at once."""
    external = External(make_url("postgresql://u@127.0.0.1:1/x"))
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        external.start()
    monkeypatch.setattr(External, "_open", lambda *args: pytest.fail("it was asked again"))
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        external.start()


@pytest.mark.parametrize("password", ["two words", "a+b", "100%", "ä'\\", "p:/?#[]@"])
def test_a_password_of_any_characters(url: str, password: str) -> None:
    """It reaches the server as it is, and every reader of the URL that is handed out reads it so."""
    given = make_url(url).set(password=password)
    instance = External(given)
    instance.connect().close()
    ours = instance.url("x", instance.administrator)
    assert conninfo_to_dict(dsn(ours))["password"] == password
    assert make_url(dsn(ours)) == ours
    assert instance_from(instance.handover()).password == password
    instance.stop()


def test_databases_of_dead_runs_are_dropped(shared: None, instance: External, role: str) -> None:
    """Those of our own role, which nobody uses, whose run holds no lock; whatever else is there stays."""
    with instance.connect() as connection:
        connection.execute(f'ALTER ROLE "{role}" CREATEDB')
    # Of names that no other suite takes, and that none which was killed has left.
    low, other_low = (f"00{secrets.token_hex(3)}" for _ in range(2))
    high, other_high = (f"ff{secrets.token_hex(3)}" for _ in range(2))
    of_used, of_unmarked, of_anothers = (f"12{secrets.token_hex(3)}" for _ in range(3))
    living, own = as_role(instance, role, high), as_role(instance, role, low)
    living.start()
    dead = {f"{PREFIX}{other_low}_gw0", f"{PREFIX}{other_high}_master"}
    used = f"{PREFIX}{of_used}_used"
    strange = f"{PREFIX}strange_{instance.run_id}"
    stay = {f"{PREFIX}{high}_gw0", f"{PREFIX}{low}_gw0", strange, f"{role}_app", used}
    unmarked, anothers = f"{PREFIX}{of_unmarked}_gw0", f"{PREFIX}{of_anothers}_gw0"
    with own.connect() as connection:
        for name in dead | stay | {unmarked, anothers}:
            connection.execute(f'CREATE DATABASE "{name}"')
            if name != unmarked:
                run_id = name.removeprefix(PREFIX)[:8] if name != anothers else of_unmarked
                marks.write(marks.through(connection), name, {"run": run_id})
    stay |= {unmarked, anothers}
    user = own.connect(used)
    assert not set(instance.drop_dead_databases()) & (dead | stay)  # of another role
    assert set(own.drop_dead_databases()) == dead
    user.close()
    assert names(instance, role) == stay
    living.stop()
    ended = {f"{PREFIX}{high}_gw0", used}

    def are_gone() -> bool:
        own.drop_dead_databases()
        return names(instance, role) == stay - ended

    eventually(are_gone, "those of the run that has ended meanwhile, and the one that was used")
    own.stop()


def test_a_killed_runs_lock_is_gone(shared: None, instance: External, role: str, place: Path) -> None:
    """kill -9 closes its session, in whichever process of the run it was."""
    with instance.connect() as connection:
        connection.execute(f'ALTER ROLE "{role}" CREATEDB')
    other = as_role(instance, role)
    worker = run(json.dumps(other.handover()), STARTED + WAITS)
    line(worker)
    third = as_role(instance, role)
    with third.connect() as connection:
        name = f"{PREFIX}{other.run_id}_gw0"
        connection.execute(f'CREATE DATABASE "{name}"')
        marks.write(marks.through(connection), name, {"run": other.run_id})
    assert third.drop_dead_databases() == []
    kill(worker)
    eventually(lambda: third.drop_dead_databases(), "the dead run's database is dropped")
    third.stop()


def test_stop_lets_go(instance: External) -> None:
    """The session is closed; stopping again does nothing; and it can be started again."""
    instance.start()
    instance.stop()
    instance.stop()
    instance.connect().close()


def test_a_forked_child_leaves_its_parents_session(shared: None, instance: External) -> None:
    """A child that runs exit handlers does not close what its parent still uses."""
    instance.start()
    child = os.fork()
    if not child:  # pragma: no cover - the forked child
        instance.stop()
        os._exit(0)
    os.waitpid(child, 0)
    assert instance.drop_dead_databases() is not None
