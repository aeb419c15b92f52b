"""Tests of where SQLite's worker databases lie, and that nothing of them stays."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermetic.database.backends.sqlite import worker_databases as module
from hermetic.database.backends.sqlite.worker_databases import SqliteServer, remove_dead
from hermetic.database.protocols import Server
from hermetic.errors import ConfigurationError

START = """
import sys
from pathlib import Path
from hermetic.database.backends.sqlite.worker_databases import SqliteServer
server = SqliteServer(Path(sys.argv[1]))
database = server.create("app")
print(database.path, flush=True)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SqliteServer]:
    """A server whose directory is the test's."""
    made = SqliteServer(tmp_path, label="worker gw0")
    yield made
    made.stop()


def run(directory: Path, then: str, **options: Any) -> subprocess.Popen[str]:
    """Start a process that makes a database in a directory and then does something."""
    return subprocess.Popen(
        [sys.executable, "-c", START + then, str(directory)], stdout=subprocess.PIPE, text=True, **options
    )


def homes(directory: Path) -> list[Path]:
    """Return the runs' directories in a directory."""
    return sorted(directory.glob("hermetic-*"))


def test_it_is_a_server() -> None:
    """The type checker holds it against the protocol here; it makes nothing before it is asked."""
    server: Server = SqliteServer()
    assert server.backend == "sqlite"
    server.stop()


def test_the_directory_is_private(server: SqliteServer, tmp_path: Path) -> None:
    """Nobody else may look into it, and its lock says whose it is."""
    path = server.create("app").path
    (home,) = homes(tmp_path)
    assert path.parent == home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "lock").read_text() == f"process {os.getpid()} worker gw0\n"


@pytest.mark.parametrize(
    "name", ["app", "with space", 'it\'s "quoted"', "a/b/../c", "", ".", "..", "ünïcode", "x" * 300, "100%"]
)
def test_any_name_will_do(server: SqliteServer, name: str) -> None:
    """The file lies in the directory, whatever the name, and any driver reaches it by its URL."""
    database = server.create(name)
    assert database.name == name
    assert database.path.parent == server.create("other").path.parent
    assert database.url.database
    with sqlite3.connect(database.url.database) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert database.dirty()


def test_different_names_are_different_files(server: SqliteServer) -> None:
    """Also where they differ only behind what a file name can hold."""
    names = ["a/b", "a_b", "a%2Fb", "x" * 300, "x" * 301]
    assert len({server.create(name).path for name in names}) == len(names)


def test_a_name_can_be_used_again(server: SqliteServer) -> None:
    """A database that was closed can be made anew, and is empty."""
    first = server.create("app")
    with sqlite3.connect(first.path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    first.close()
    second = server.create("app")
    with sqlite3.connect(second.path) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
    connection.close()


def test_stop_leaves_nothing(server: SqliteServer, tmp_path: Path) -> None:
    """The directory is gone, stopping again does nothing, and the server can be used again."""
    server.create("app")
    server.stop()
    assert homes(tmp_path) == []
    server.stop()
    assert server.create("app").path.exists()


def test_a_normal_exit_leaves_nothing(tmp_path: Path) -> None:
    """An interpreter that ends without stop, even by an exception, cleans up."""
    with run(tmp_path, "raise SystemExit(3)") as process:
        process.communicate()
    assert process.returncode == 3
    assert homes(tmp_path) == []


def test_a_forked_child_leaves_its_parents_files(tmp_path: Path) -> None:
    """A child that runs exit handlers does not remove what its parent still uses."""
    then = (
        "import os\n"
        "child = os.fork()\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
        "    print(database.path.exists(), flush=True)\n"
    )
    with run(tmp_path, then) as process:
        output, _ = process.communicate()
    assert output.splitlines()[-1] == "True"
    assert homes(tmp_path) == []


def test_a_killed_run_is_reaped(tmp_path: Path, server: SqliteServer) -> None:
    """What kill -9 left is removed by the next start; a run that lives is left alone, and so is all else."""
    (tmp_path / f"hermetic-{os.getuid()}-strange").mkdir()
    (tmp_path / "hermetic-99999-other").mkdir()
    (tmp_path / f"hermetic-{os.getuid()}-file").write_text("a file")
    (tmp_path / f"hermetic-{os.getuid()}-link").symlink_to(tmp_path / "hermetic-99999-other")
    others = homes(tmp_path)
    alive = run(tmp_path, "sys.stdin.read()", stdin=subprocess.PIPE)
    dead = run(tmp_path, "sys.stdin.read()", stdin=subprocess.PIPE)
    with alive, dead:
        assert alive.stdout and dead.stdout and dead.stdin
        living, dying = Path(alive.stdout.readline().strip()), Path(dead.stdout.readline().strip())
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert dying.exists()
        own = server.create("app").path
        assert homes(tmp_path) == sorted([*others, living.parent, own.parent])
        assert remove_dead(tmp_path) == []
        alive.communicate("")
    assert homes(tmp_path) == sorted([*others, own.parent])


Usage = namedtuple("Usage", "total used free")


def test_memory_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The files lie in memory where there is room, else where temporary files go."""
    memory, temporary = tmp_path / "shm", tmp_path / "tmp"
    memory.mkdir()
    monkeypatch.setattr("hermetic.database.folders.MEMORY", memory)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    server = SqliteServer()
    assert server.create("app").path.is_relative_to(memory)
    server.stop()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**26, 2**26, 2**20))
    assert server.create("app").path.is_relative_to(temporary)
    server.stop()
    monkeypatch.setattr("hermetic.database.folders.MEMORY", tmp_path / "nowhere")
    assert server.create("app").path.is_relative_to(temporary)
    server.stop()


def test_a_directory_is_made(tmp_path: Path) -> None:
    """The configured directory need not exist."""
    server = SqliteServer(tmp_path / "not" / "yet")
    assert server.create("app").path.is_relative_to(tmp_path / "not" / "yet")
    server.stop()


def test_a_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    """A configured directory that cannot be one is named, with the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="hermetic_directory") as caught:
        SqliteServer(tmp_path / "file").create("app")
    assert str(tmp_path / "file") in str(caught.value)


def test_a_full_file_system_is_told(monkeypatch: pytest.MonkeyPatch, server: SqliteServer) -> None:
    """The message says that it is full."""

    def full(*args: Any, **named: Any) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(ConfigurationError, match="the file system is full"):
        server.create("app")


def test_a_place_where_sqlite_cannot_write_is_told(
    monkeypatch: pytest.MonkeyPatch, server: SqliteServer
) -> None:
    """What SQLite refuses is told as what the system refuses."""
    server.create("app")
    monkeypatch.setattr(module, "_file_name", lambda name: "x" * 300)
    with pytest.raises(ConfigurationError, match=r"File name too long|unable to open"):
        server.create("other")
    monkeypatch.setattr(module, "_file_name", lambda name: "missing/other")
    with pytest.raises(ConfigurationError, match="unable to open database file"):
        server.create("other")
