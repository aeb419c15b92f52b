"""Tests of the homes of runs: the locks by which one is known to live, sockets, and what is done for killed runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hermetic.database import folders
from hermetic.database.backends.postgresql.server import run_dir
from hermetic.database.backends.postgresql.server.run_dir import address, remove, running
from hermetic.database.stored import Running
from tests.database.backends.postgresql.server.conftest import Make
from tests.database.backends.postgresql.server.processes import gone


def test_a_home_is_made_held(tmp_path: Path) -> None:
    """Whoever makes it a second time holds the first one's."""
    home = tmp_path / "home"
    run_dir.make(home, "one")
    run_dir.make(home, "two")
    assert (home / "alive").read_text() == "one"
    assert list(tmp_path.iterdir()) == [home]
    assert not run_dir.is_dead(home)
    assert not run_dir.release(home)
    assert run_dir.release(home)
    assert not run_dir.release(home)
    assert run_dir.is_dead(home)


def test_a_home_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the system's."""
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(OSError, match="No space"):
        run_dir.make(tmp_path / "home", "one")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_home_is_not_dead(tmp_path: Path) -> None:
    """A directory without the file may be anything."""
    assert not run_dir.is_dead(tmp_path)


def test_an_ordinary_users_home_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root's is passable, for the server's user."""
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    run_dir.make(tmp_path / "home", "one")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    run_dir.release(tmp_path / "home")


def test_a_home_is_held_whoever_reads_it(tmp_path: Path) -> None:
    """A test that reads every file of the project opens and closes this one too."""
    home = tmp_path / "home"
    run_dir.make(home, "one")
    for path in home.iterdir():
        path.read_bytes()
    script = "import sys; from pathlib import Path; from hermetic.database.backends.postgresql.server import run_dir\n"
    script += "print(run_dir.is_dead(Path(sys.argv[1])))"
    assert subprocess.check_output([sys.executable, "-c", script, str(home)], text=True) == "False\n"
    assert run_dir.release(home)


@pytest.mark.parametrize("step", ["open", "write"])
def test_a_home_without_room_for_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The error is the system's, whichever step fails, and nothing is left."""
    real = getattr(os, step)

    def full(what: object, *arguments: object, **options: object) -> object:
        if step == "write" or str(what).endswith("alive"):
            raise OSError(28, "No space")
        return real(what, *arguments, **options)

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        run_dir.make(tmp_path / "home", "one")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_made_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails before it has its name is told, though another process was faster."""
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: (_ for _ in ()).throw(OSError(24, "Too many open files")))
    with pytest.raises(OSError, match="Too many open files"):
        run_dir.make(tmp_path / "home", "one")


def test_the_socket_lies_in_the_home(place: Path) -> None:
    """As long as its path is short enough."""
    assert address(place / "home", "0badcafe").socket == f"{place}/home/socket"


def test_a_home_with_a_long_path_serves(place: Path, make: Make) -> None:
    """The socket lies in a short directory then, which goes with the home."""
    deep = place / ("d" * 60) / ("e" * 60)
    instance = make(directory=deep)
    socket = Path(instance.handover()["socket"])
    assert socket.parent == Path("/tmp")
    instance.connect().close()
    assert socket.is_dir()
    instance.stop()
    assert gone(instance.home)
    assert not socket.exists()


def test_the_loopback_serves_where_no_socket_can_be(
    place: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is known before the server is started."""
    monkeypatch.setattr(run_dir, "SHORT", "/tmp/no/such/directory")
    instance = make(directory=place / ("d" * 100))
    url = instance.url("postgres", "hermetic_admin")
    assert url.host == "127.0.0.1"
    with instance.connect() as connection:
        assert connection.info.port == url.port
    instance.stop()
    assert gone(instance.home)


def test_without_a_cache_it_is_only_slower(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run has its own initdb then."""
    monkeypatch.setenv("HERMETIC_CACHE", "/dev/null/hermetic")
    make().connect().close()


IGNORES = """
import signal, sys
signal.signal(signal.SIGQUIT, signal.SIG_IGN)
print(flush=True)
sys.stdin.read()
"""


def home_with(tmp_path: Path, pid: int) -> Path:
    """Make a home whose server has a pid."""
    data = tmp_path / "home" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (data / "postmaster.pid").write_text(f"{pid}\n{data}\n")
    return tmp_path / "home"


def test_a_server_that_survived_is_ended(tmp_path: Path) -> None:
    """Known by its working directory, which is its data directory."""
    home = home_with(tmp_path, 0)
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=home / "data") as server:
        remove(home_with(tmp_path, server.pid))
        server.communicate()
    assert server.returncode == -3
    assert not home.exists()


def test_a_process_that_got_its_number_is_left_alone(tmp_path: Path) -> None:
    """Also one that does not exist any more is no reason to wait."""
    home = home_with(tmp_path, 0)
    with subprocess.Popen(
        [sys.executable, "-c", IGNORES], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        remove(home_with(tmp_path, other.pid))
        assert other.poll() is None
        other.communicate()
    assert other.returncode == 0
    remove(home_with(tmp_path, 2**22 + 1))
    assert not home.exists()


def test_the_wait_for_its_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files go at any rate."""
    monkeypatch.setattr(run_dir, "STEPS", 2)
    home = home_with(tmp_path, 0)
    with subprocess.Popen(
        [sys.executable, "-c", IGNORES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=home / "data"
    ) as server:
        assert server.stdout
        server.stdout.readline()
        remove(home_with(tmp_path, server.pid))
        server.communicate()
    assert not home.exists()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a run that counts as alive."""
    monkeypatch.setattr(run_dir, "is_dead", lambda home: False)
    home = tmp_path / f"{folders.prefix()}pg-0a0a0a0a"
    home.mkdir()
    return home


def test_it_says_whose_it_is(home: Path) -> None:
    """The process, and the words that it gave."""
    (home / "alive").write_text("process 12 /my project\n")
    assert Running(home, 12, "/my project") in running([home.parent])


def test_what_says_nothing_is_passed_over(home: Path) -> None:
    """It may be ending just now."""
    assert home not in [one.home for one in running([home.parent])]
    (home / "alive").write_text("")
    assert home not in [one.home for one in running([home.parent])]
