"""The supervisor, and small programs that it keeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.init.trial.processes import LEAVES_ONE, are_gone, until

SUPERVISOR = [sys.executable, "-c", "from hermetic.cli.init.trial.supervisor import main; main()"]

BEGIN = f"""\
import faulthandler, os, signal, sys, time
from pathlib import Path
home, pids = Path(sys.argv[1]), Path(os.environ["PIDS"])
faulthandler.register(signal.SIGUSR1, open(home / "stack", "w"))
{LEAVES_ONE}
Path(os.environ["TMPDIR"], "left").touch()
print("said", flush=True)
(home / "begun").touch()
"""
TELL = "(home / 'result').write_text('told')\n"
DEAF = "faulthandler.unregister(signal.SIGUSR1)\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
HANG = "time.sleep(600)\n"


def start(program: str, folder: Path, limit: float) -> subprocess.Popen[bytes]:
    """Start a supervisor with a program, its temporary files in one folder and what says who is there in another."""
    environ = {**os.environ, "TMPDIR": str(folder / "temporary"), "PIDS": str(folder / "pids")}
    for name in ("temporary", "pids"):
        (folder / name).mkdir()
    process = subprocess.Popen(SUPERVISOR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    assert process.stdin is not None
    request = {"command": [sys.executable, "-c", program], "limit": limit}
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return process


@pytest.mark.parametrize(
    ("program", "limit", "answer"),
    [
        (BEGIN + TELL, 60, {"result": "told", "late": False, "status": 0, "stack": ""}),
        (BEGIN + TELL + HANG, 60, {"result": "told", "late": False, "status": -9, "stack": ""}),
        (BEGIN + "sys.exit(3)", 60, {"result": "", "late": False, "status": 3, "stack": ""}),
        (BEGIN + HANG, 0.1, {"result": "", "late": True, "status": -9}),
        (BEGIN + DEAF + HANG, 0.1, {"result": "", "late": True, "status": -9, "stack": ""}),
    ],
    ids=["told", "told and goes on", "ends", "late", "late, and does not say where it stands"],
)
def test_what_comes_of_a_program(tmp_path: Path, program: str, limit: float, answer: dict[str, Any]) -> None:
    """Its result, how it ended, what it printed; what it started is ended with it, and its files go."""
    with start(program, tmp_path, limit) as supervisor:
        assert supervisor.stdout is not None
        found = json.loads(supervisor.stdout.read())
    assert found == {"output": "said\n", "stack": found["stack"], **answer}
    assert ("line 17 in <module>" in found["stack"]) is ("stack" not in answer)
    assert are_gone(tmp_path / "pids", 2)
    assert not list((tmp_path / "temporary").iterdir())


def test_nobody_waits_any_more(tmp_path: Path) -> None:
    """All of it ends when whoever asked does."""
    with start(BEGIN + HANG, tmp_path, 60) as supervisor:
        until(lambda: len(list((tmp_path / "pids").iterdir())) == 2)
        assert supervisor.stdin is not None and supervisor.stdout is not None
        supervisor.stdout.close()
        supervisor.stdin.close()
    assert supervisor.returncode == 0
    assert are_gone(tmp_path / "pids", 2)
    assert not list((tmp_path / "temporary").iterdir())
