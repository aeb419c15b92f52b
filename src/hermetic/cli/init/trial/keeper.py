"""The process between ``hermetic init`` and what it tries: it ends all of that, whatever becomes of ``init``.

It is a program of its own that imports nothing but the standard library. ``init`` holds the other end of its standard
input for as long as it waits, so that an end of file there says that ``init`` has ended, by whatever. What is tried
runs in a process group of its own. On Linux its orphans become the keeper's children, those too that left the group (a
daemon does), so that it can end them all.

| ends | then |
| --- | --- |
| what is tried | what it started is killed |
| the limit | all of it is killed |
| ``init``, by Ctrl-C, a signal or ``kill -9`` | all of it is killed |
| the keeper | what is tried is killed, on Linux |

What is tried finds its temporary files in a folder that goes at last.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
STEP = 0.02
"""Seconds between two looks."""

START = 60.0
"""Seconds that the process may take before it begins with the application, from when on the limit counts."""

GRACE = 2.0
"""Seconds for the end of a process that has said what came of it: threads that go on, and functions at its exit."""

TAIL = 4000
"""Bytes of what it printed that are kept."""


def main() -> None:
    """Read a request, have it tried, and write what came of it."""
    request = json.loads(open(0, "rb", buffering=0, closefd=False).readline())  # noqa: SIM115
    _adopt_orphans()
    home = Path(tempfile.mkdtemp(prefix="hermetic-try-"))
    try:
        answer = _try(request, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    with suppress(BrokenPipeError), open(1, "wb", closefd=False) as told:
        told.write(json.dumps(answer).encode())


def _try(request: dict[str, Any], home: Path) -> dict[str, Any]:
    (home / "tmp").mkdir()
    (home / "request").write_text(json.dumps(request))
    with open(home / "output", "wb") as output:
        tried = subprocess.Popen(
            [*request["command"], str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(home / "tmp")},
            process_group=0,
        )
    late = not _wait(tried, home, request["limit"])
    if late:
        _ask_where_it_stands(tried, home / "stack")
    status = _end(tried)
    return {
        "result": _text(home / "result"),
        "output": _text(home / "output")[-TAIL:],
        "stack": _text(home / "stack"),
        "late": late,
        "status": status,
    }


def _wait(tried: subprocess.Popen[bytes], home: Path, limit: float) -> bool:
    """Wait until a process ends, or init does; return whether it ended, or said what came of it, within the limit."""
    leash = select.poll()
    leash.register(0, select.POLLIN | select.POLLHUP)
    ahead = {"begun": limit, "result": GRACE}
    end = time.monotonic() + START
    while tried.poll() is None:
        for name in [name for name in ahead if (home / name).exists()]:
            end = time.monotonic() + ahead.pop(name)
        if time.monotonic() > end or leash.poll(STEP * 1000):
            return "result" not in ahead
    return True


def _ask_where_it_stands(tried: subprocess.Popen[bytes], stack: Path) -> None:
    """Have a process write where its main thread stands, which it does whatever it is at."""
    tried.send_signal(signal.SIGUSR1)
    for _ in range(25):
        time.sleep(STEP)
        if tried.poll() is not None or _text(stack):
            break


def _end(tried: subprocess.Popen[bytes]) -> int:
    """Kill a process, its group and all that it left; return how it ended, as ``Popen.returncode``."""
    with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a dead one is left
        os.killpg(tried.pid, signal.SIGKILL)
    status = tried.wait()
    with suppress(ChildProcessError):
        while True:
            for orphan in _children():
                with suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            os.waitpid(-1, 0)
    return status


def _adopt_orphans() -> None:
    if sys.platform == "linux":  # pragma: no branch - elsewhere what left the process group is out of reach
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children() -> Iterator[int]:
    """Yield the processes whose parent we are; none where the system does not tell."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_bytes().rpartition(b")")[2].split()
            if int(fields[1]) == os.getpid():
                yield int(entry.parent.name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":  # pragma: no cover - coverage knows no program by its path
    main()
