"""Removing the homes of runs whose every process was killed, the launcher too."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from hermetic.database.backends.postgresql.server import lease
from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.database.backends.postgresql.server.launcher.main import remove_home
from hermetic.database.servers import run_dirs

STEPS = 1000  # of 2 ms


def reap(parent: Path) -> list[Path]:
    """Remove the homes of dead runs under ``parent``; return them."""
    dead = run_dirs.dead_homes(parent, f"{run_dirs.prefix()}pg-*", lease.is_dead)
    for home in dead:
        bury(home)
    return dead


def bury(home: Path) -> None:
    """End the server of a home whose launcher is gone, if it lives, and remove the home.

    On Linux the kernel has ended it with the launcher. Elsewhere nothing tells safely whether a pid is still its; it
    ends itself within a minute, when it finds its data directory gone.
    """
    pid = _server(home)
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)
    for _ in range(STEPS):
        if _server(home) is None:
            break
        time.sleep(0.002)
    remove_home(str(home))


def _server(home: Path) -> int | None:
    """Return the pid of the home's server; PostgreSQL stays in its data directory, so no other process is mistaken."""
    text = files.read(str(home / "data" / "postmaster.pid"))
    if not text:
        return None
    pid = text.splitlines()[0]
    try:
        lives = os.readlink(f"/proc/{pid}/cwd") == str((home / "data").resolve())
    except OSError:
        return None
    return int(pid) if lives else None
