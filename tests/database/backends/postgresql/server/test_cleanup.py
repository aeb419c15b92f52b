"""Tests of what is done for runs that were killed to the last process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import cleanup
from hermetic.database.backends.postgresql.server.cleanup import bury

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
        bury(home_with(tmp_path, server.pid))
        server.communicate()
    assert server.returncode == -3
    assert not home.exists()


def test_a_process_that_got_its_number_is_left_alone(tmp_path: Path) -> None:
    """Also one that does not exist any more is no reason to wait."""
    home = home_with(tmp_path, 0)
    with subprocess.Popen(
        [sys.executable, "-c", IGNORES], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        bury(home_with(tmp_path, other.pid))
        assert other.poll() is None
        other.communicate()
    assert other.returncode == 0
    bury(home_with(tmp_path, 2**22 + 1))
    assert not home.exists()


def test_the_wait_for_its_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files go at any rate."""
    monkeypatch.setattr(cleanup, "STEPS", 2)
    home = home_with(tmp_path, 0)
    with subprocess.Popen(
        [sys.executable, "-c", IGNORES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=home / "data"
    ) as server:
        assert server.stdout
        server.stdout.readline()
        bury(home_with(tmp_path, server.pid))
        server.communicate()
    assert not home.exists()
