"""What the tests of PostgreSQL servers share: runs in processes of their own, and looking at what is left of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

SECONDS = 120

RUN = """
import json, sys
from pathlib import Path
from hermetic.database.backends.postgresql.server import new_instance, instance_from
given = sys.argv[1]
if given.startswith("{"):
    instance = instance_from(json.loads(given))
else:
    instance = new_instance("auto", project=Path(given), directory=Path(given))
"""

STARTED = """
instance.start()
print(json.dumps(instance.handover()), flush=True)
"""

WAITS = "sys.stdin.read()\n"


def run(given: object, then: str, **options: Any) -> subprocess.Popen[str]:
    """Start a process that has an instance, in a directory or from a handover, and then does something."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", RUN + then, str(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def line(process: subprocess.Popen[str]) -> str:
    """Return what a process says next."""
    assert process.stdout
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process as nothing can prevent."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


@contextmanager
def free_port() -> Iterator[int]:
    """Yield a port of the loopback that nobody else is given meanwhile; a server can listen there."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def eventually(check: Callable[[], object], what: str) -> None:
    """Wait until something holds; fail once that takes too long."""
    end = monotonic() + SECONDS
    while not check():
        assert monotonic() < end, f"still not so after {SECONDS} s: {what}"
        Event().wait(0.005)


def processes_of(home: Path) -> dict[int, str]:
    """Return pid and command of every process that has to do with a home: its launcher, its server."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents_command = Path(f"/proc/{parent}/cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if parents_command.decode(errors="replace") == command:
                continue  # just forked, and about to be something else
            if f"{home}" in command and ("launcher.main" in command or "bin/postgres" in command):
                found[int(entry.name)] = command
    return found


def server_of(home: Path) -> int:
    """Return the pid of a home's server."""
    return int((home / "data" / "postmaster.pid").read_text().split()[0])


def launcher_of(home: Path) -> int:
    """Return the pid of a home's launcher."""
    (pid,) = [pid for pid, command in processes_of(home).items() if "launcher.main" in command]
    return pid


def gone(home: Path) -> bool:
    """Whether nothing is left of a run: no process, no directory."""
    return not home.exists() and not processes_of(home)


def homes_in(directory: Path) -> list[Path]:
    """Return the runs' directories in a directory."""
    return sorted(path for path in directory.iterdir() if "hermetic-" in path.name)
