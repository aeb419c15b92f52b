"""End a process with all that it has started, from a process that stands between it and whoever wants it.

That one imports nothing but the standard library and this. On Linux what its child leaves behind becomes its own, a
daemon too, which has left the process group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of what processes below this one leave behind."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Be killed as soon as the parent has ended, on Linux; what this process executes is, too."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":  # pragma: no branch - elsewhere what left the process group is out of reach
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def end(process: subprocess.Popen[bytes]) -> int:
    """Kill a process, its group and all that it left; return how it ended, as ``Popen.returncode``."""
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a dead one is left
        os.killpg(process.pid, signal.SIGKILL)
    status = process.wait()
    with suppress(ChildProcessError):
        while True:
            for orphan in _children():
                with suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            os.waitpid(-1, 0)
    return status


def _children() -> Iterator[int]:
    """Yield the processes whose parent we are; none where the system does not tell."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_bytes().rpartition(b")")[2].split()
            if int(fields[1]) == os.getpid():
                yield int(entry.parent.name)
