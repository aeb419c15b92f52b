"""The process between ``hermetic init`` and what it tries: it ends all of that, whatever becomes of ``init``.

It is a program of its own that imports the standard library and ``processes``. ``init`` holds the other end of its
standard input for as long as it waits, so that an end of file there says that ``init`` has ended, by whatever. What is
tried runs in a process group of its own. On Linux its orphans become the supervisor's children, those too that left the
group (a daemon does), so that it can end them all.

| ends | then |
| --- | --- |
| what is tried | what it started is killed |
| the limit | all of it is killed |
| ``init``, by Ctrl-C, a signal or ``kill -9`` | all of it is killed |
| the supervisor | what is tried is killed, on Linux |

What is tried finds its temporary files in a folder that goes at last.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from hermetic.processes import adopt_orphans, end

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
    adopt_orphans()
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
    status = end(tried)
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
    until = time.monotonic() + START
    while tried.poll() is None:
        for name in [name for name in ahead if (home / name).exists()]:
            until = time.monotonic() + ahead.pop(name)
        if time.monotonic() > until or leash.poll(STEP * 1000):
            return "result" not in ahead
    return True


def _ask_where_it_stands(tried: subprocess.Popen[bytes], stack: Path) -> None:
    """Have a process write where its main thread stands, which it does whatever it is at."""
    tried.send_signal(signal.SIGUSR1)
    for _ in range(25):
        time.sleep(STEP)
        if tried.poll() is not None or _text(stack):
            break


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":  # pragma: no cover - coverage knows no program by its path
    main()
