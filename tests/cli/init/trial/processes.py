"""Whether processes are there, which say so by files named after them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


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
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")
