"""Starting the launcher, and hearing from it, without a thread and without a clock that a test could stop."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.server import lease
from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.database.backends.postgresql.server.launcher.main import Request

STEP = 0.002
"""Seconds between two looks."""

BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from launcher.main import main; main(sys.argv[2])"
"""Without site and in isolated mode: 12 ms; and nothing that the project's environment says reaches it."""


class Launch:
    """A launcher that was started from here. It is nobody's child for long: it forks at once."""

    def __init__(self, request: Request, log: Path) -> None:
        command = [sys.executable, "-I", "-S", "-c", BOOT, str(Path(__file__).parent)]
        with open(log, "ab", opener=files.private) as errors:
            self._process = subprocess.Popen(
                [*command, json.dumps(request._asdict())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=variables.without(os.environ),
                start_new_session=True,
            )
        self._pipe: IO[bytes] | None = self._process.stdout

    def wait(self, seconds: float) -> bool:
        """Wait that long; return whether the launcher has let go of its pipe: it has reported, or ended."""
        if self._pipe is None:
            return True
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        self.close()
        return True

    def close(self) -> None:
        """Let go of the pipe and reap the process that forked; it has ended long ago unless it hangs."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
            self._process.kill()
            self._process.wait()

    def disown(self) -> None:  # pragma: no cover - in a forked child, which no coverage sees
        """Forget it in a forked child: it is the parent's to reap."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
            self._process.returncode = 0


def read_report(home: Path) -> dict[str, Any] | None:
    """Return how the start of a home's server went, once that is known."""
    text = files.read(str(home / "report"))
    return None if text is None else dict(json.loads(text))


def wait_for_report(home: Path, launch: Launch | None, limit: float) -> dict[str, Any]:
    """Wait until it is known how the start went, whichever process of the run asked for it.

    Steps are counted and no clock is read: a test may have stopped it.
    """
    for _ in range(int(limit / STEP)):
        at_work = (launch is not None and not launch.wait(STEP)) or lease.has_launcher(home)
        if (report := read_report(home)) is not None:
            return report
        if not at_work:
            return {"error": "its launcher ended without a word"}
        time.sleep(STEP)
    return {"error": f"nothing was heard of it within {limit:g} s"}
