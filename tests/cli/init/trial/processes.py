"""Processes that say by files named after them that they are there, and whether they are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

LEAVES_ONE = """\
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        (pids / str(os.getpid())).touch()
        time.sleep(600)
    os._exit(0)
while not list(pids.iterdir()):
    time.sleep(0.01)
(pids / str(os.getpid())).touch()"""
"""Lines of a program: one process that has left its group, and itself, each with a file in the folder ``pids``."""


def are_gone(pids: Path, number: int) -> bool:
    """Whether so many processes were there, and none is any more."""
    names = [path.name for path in pids.iterdir()]
    assert len(names) == number
    return not any(_lives(int(name)) for name in names)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes in a moment."""
    for _ in range(15_000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")
