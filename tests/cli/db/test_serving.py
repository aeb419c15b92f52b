"""``hermetic db start`` and ``stop``."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest

from hermetic.cli import main
from hermetic.cli.db import serving
from tests.cli.db.projects import Project
from tests.database.backends.postgresql.server.processes import free_port

HERMETIC = str(Path(sys.executable).with_name("hermetic"))


def test_it_serves_until_ctrl_c(project: Project) -> None:
    """The URL of each database is printed, then a line for psql on the latest; a signal ends it well."""
    names = project.leave("test_a.py::test_one", "test_a.py::test_two")
    command = [HERMETIC, "db", "start", str(project.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            printed = [process.stdout.readline().rstrip() for _ in range(4)]
            said = process.stderr.readline()
            url, test = printed[1].split("  ")
            with psycopg.connect(url) as connection:
                row = connection.execute("SELECT current_database(), current_user").fetchone()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=300) == 0
        finally:
            process.terminate()
    assert printed[0].endswith("  template")
    assert (row, test) == ((names[0], "app"), "test_a.py::test_one")
    assert shlex.split(printed[3]) == ["psql", printed[2].split("  ")[0]]
    assert "until Ctrl-C" in said


def test_it_can_be_left_running(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """Another command ends it."""
    (name,) = project.leave("test_a.py::test_one")
    assert main(["db", "start", "--detach", str(project.root)]) == 0
    url = capfd.readouterr().out.splitlines()[1].split("  ")[0]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (name,)
    assert main(["db", "stop", str(project.root)]) == 0
    assert capfd.readouterr().out.startswith("ended /")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert main(["db", "stop", str(project.root)]) == 0
    assert capfd.readouterr() == ("", "no server was left running\n")


def test_a_start_that_fails_is_told_at_once(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """With the exit code of the process that was to stay; the port is handed on to it."""
    assert main(["db", "start", "--detach", "--port", "1", str(project.root)]) == 2
    assert "are kept. [HM113]" in capfd.readouterr().err


def test_a_port_is_for_guis(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is one of the loopback; Ctrl-C before anything is waited for is as good."""
    project.leave("test_a.py::test_one")

    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(serving, "wait", interrupted)
    with free_port() as port:
        assert main(["db", "start", "--port", str(port), str(project.root)]) == 0
    assert f"postgresql://app@127.0.0.1:{port}/hermetic_k_test_one_" in capsys.readouterr().out


def test_an_external_server_runs_already(
    project: Project, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the URLs are printed, and none of a template, which a session would keep from being copied."""
    (name,) = project.write(f"hermetic_postgresql = {server}").leave("test_a.py::test_one", on=server)
    assert main(["db", "start", str(project.root)]) == 0
    url, psql = capsys.readouterr().out.splitlines()
    assert psql.startswith("psql ")
    with psycopg.connect(url.split("  ")[0]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (name,)


def test_there_may_be_nothing_to_serve(
    project: Project, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On an external server too; it says what makes it."""
    assert main(["db", "start", str(project.write(f"hermetic_postgresql = {server}").root)]) == 2
    assert "hint: pytest --hermetic-keep-failed" in capsys.readouterr().err
