"""Commands that run in a folder that goes, with all that they started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hermetic.errors import CommandError
from hermetic.migrate.verify.process import Process
from tests.cli.init.trial.processes import LEAVES_ONE, are_gone, until

STAYS = f"""\
import os, sys, time
from pathlib import Path
pids = Path(sys.argv[1])
{LEAVES_ONE}
print("said", flush=True)
"""
COMMAND = """\
import os, sys
from hermetic.migrate.verify.process import Process
with Process() as process:
    (process.home / "copy").mkdir()
    process.run([sys.executable, *sys.argv[1:]], process.home, os.environ, 600)
"""


def test_runs_end_with_all_that_they_started(tmp_path: Path) -> None:
    """At their own end, and at the limit; the folder is there between them, and goes at last."""
    (tmp_path / "pids").mkdir()
    with Process() as process:
        program = [sys.executable, "-c", STAYS, str(tmp_path / "pids")]
        ended = process.run(program, tmp_path, os.environ, 60)
        assert (ended.status, ended.is_late, ended.output) == (0, False, ("said",))
        assert are_gone(tmp_path / "pids", 2)
        sleeps = [sys.executable, "-c", "import time; time.sleep(600)"]
        assert process.run(sleeps, process.home, os.environ, 0.1).is_late
        where = "import os; print(os.getcwd()); open(os.environ['TMPDIR'] + '/left', 'w'); exit(3)"
        ended = process.run([sys.executable, "-c", where], process.home, os.environ, 60)
        assert (ended.status, ended.output) == (3, (str(process.home),))
    assert not process.home.exists()


def test_nothing_is_left_of_a_command_that_is_killed(tmp_path: Path) -> None:
    """Neither a process nor the folder, though the command could do nothing itself."""
    (tmp_path / "pids").mkdir()
    (tmp_path / "temporary").mkdir()
    program = ["-c", f"{STAYS}time.sleep(600)", str(tmp_path / "pids")]
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *program], env={**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    ) as command:
        until(lambda: len(list((tmp_path / "pids").iterdir())) == 2)
        command.kill()
    until(lambda: not list((tmp_path / "temporary").iterdir()))
    assert are_gone(tmp_path / "pids", 2)


def test_nothing_runs_on_where_what_keeps_it_is_killed(tmp_path: Path) -> None:
    """Neither the command, which the kernel kills, nor what it has started in its group; and the folder goes."""
    (tmp_path / "pids").mkdir()
    text = f"{STAYS.replace('os.setsid()', 'pass')}os.kill(int(sys.argv[2]), 9)\ntime.sleep(600)"
    program = [sys.executable, "-c", text]
    with pytest.raises(CommandError, match="ended"), Process() as process:
        supervisor = str(process._supervisor.pid)
        process.run([*program, str(tmp_path / "pids"), supervisor], process.home, os.environ, 60)
    assert not process.home.exists()
    until(lambda: are_gone(tmp_path / "pids", 2))
