"""Tests of what a project keeps of one run for the next."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server.embedded import Embedded
from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.database.backends.postgresql.server.launcher.cluster import of_project
from hermetic.database.folders import cache_directory
from tests.database.backends.postgresql.server.conftest import Make
from tests.database.backends.postgresql.server.processes import (
    STARTED,
    eventually,
    gone,
    kill,
    launcher_of,
    line,
    run,
)

MAKES_DATABASES = """
with instance.connect() as connection:
    connection.execute("CREATE DATABASE hermetic_t_made_once")
    connection.execute("CREATE DATABASE hermetic_w_0badcafe_gw0")
instance.keep()
"""


def databases(instance: Embedded) -> set[str]:
    """Return the databases that are not PostgreSQL's own."""
    with instance.connect() as connection:
        found = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    return found - {"postgres", "template0", "template1"}


def test_a_kept_database_is_there_in_the_next_run(make: Make) -> None:
    """But no worker database, though somebody is connected to it; and only after keep."""
    first = make()
    with first.connect() as connection:
        connection.execute("CREATE DATABASE hermetic_t_made_once")
        connection.execute("CREATE DATABASE hermetic_w_0badcafe_gw0")
    first.keep()
    user = first.connect("hermetic_w_0badcafe_gw0")
    first.stop()
    user.close()
    assert gone(first.home)
    second = make()
    assert databases(second) == {"hermetic_t_made_once"}
    with second.connect() as connection:
        connection.execute("CREATE DATABASE not_kept")
    second.stop()
    assert databases(make()) == {"hermetic_t_made_once"}


def test_another_project_does_not_see_it(make: Make, tmp_path: Path) -> None:
    """Each project has a cluster of its own."""
    first = make()
    with first.connect() as connection:
        connection.execute("CREATE DATABASE hermetic_t_made_once")
    first.keep()
    first.stop()
    assert databases(make(project=tmp_path)) == set()


def test_the_last_run_wins(make: Make, place: Path) -> None:
    """Of two runs at once the later end counts, and nothing else stays."""
    first, second = make(), make()
    for number, instance in enumerate((first, second)):
        with instance.connect() as connection:
            connection.execute(f"CREATE DATABASE hermetic_t_{number}")
        instance.keep()
    first.stop()
    second.stop()
    assert databases(make()) == {"hermetic_t_1"}
    kept = Path(of_project(str(place), str(second._binaries.path), str(cache_directory())))
    assert [path for path in kept.parent.iterdir() if path.stem == kept.stem] == [kept]


def test_a_killed_run_keeps(place: Path, make: Make) -> None:
    """The launcher drops the worker databases, so that nothing is needed of the processes that made them."""
    process = run(place, STARTED + MAKES_DATABASES + "print(flush=True)\nsys.stdin.read()")
    (home,) = [Path(line(process).split('"home": "')[1].split('"')[0])]
    line(process)
    kill(process)
    eventually(lambda: gone(home), "the home is gone")
    assert databases(make()) == {"hermetic_t_made_once"}


def test_a_killed_launcher_keeps_nothing(make: Make) -> None:
    """A cluster whose end nobody saw may be torn; the next run has the one before it, or a new one."""
    first = make()
    with first.connect() as connection:
        connection.execute("CREATE DATABASE hermetic_t_made_once")
    first.keep()
    os.kill(launcher_of(first.home), signal.SIGKILL)
    first.stop()
    assert gone(first.home)
    assert databases(make()) == set()


def test_without_psql_nothing_is_kept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker databases could not be dropped, so the next run builds anew."""
    write = files.write_whole

    def elsewhere(path: str, text: str) -> None:
        write(path, text.replace("/bin", "/nowhere"))

    monkeypatch.setattr(files, "write_whole", elsewhere)
    first = make()
    with first.connect() as connection:
        connection.execute("CREATE DATABASE hermetic_t_made_once")
    first.keep()
    first.stop()
    assert gone(first.home)
    assert databases(make()) == set()
