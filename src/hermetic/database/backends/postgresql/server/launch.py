"""Starting the launcher, and hearing from it, without a thread and without a clock that a test could stop.

A server that does not start, or is gone, is told in its own words, which are the best there are.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.server import run_dir
from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.database.backends.postgresql.server.launcher.main import Request
from hermetic.errors import ConfigurationError, ServerUnavailable

STEP = 0.002
"""Seconds between two looks."""

LINES = 20
"""How many of the last lines of a server's log are shown."""

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
        at_work = (launch is not None and not launch.wait(STEP)) or run_dir.has_launcher(home)
        if (report := read_report(home)) is not None:
            return report
        if not at_work:
            return {"error": "its launcher ended without a word"}
        time.sleep(STEP)
    return {"error": f"nothing was heard of it within {limit:g} s"}


def not_started(home: Path, report: dict[str, Any]) -> ConfigurationError:
    """Return the error for a report of a failed start."""
    why = [report["why"]] if report.get("why") else []
    if report.get("command"):
        why.append(f"command: {_shortened(report['command'])}")
    hints = [
        "check hermetic_postgresql: it names whose binaries are started (auto, embedded, a directory), or a URL",
        "hermetic db clean --all   (what earlier runs of the project kept is thrown away, and made anew)",
    ]
    if report.get("why"):
        hints = [
            "free some space, or set TMPDIR or HERMETIC_CACHE to places that have room",
            "in a container: docker run --shm-size=512m",
        ]
    return ServerUnavailable(
        f"the PostgreSQL server of the tests does not start: {report['error']}",
        why="\n".join([*why, *_said(home)]),
        hints=tuple(hints),
    )


def stopped_answering(home: Path) -> ConfigurationError:
    """Return the error for a server that was up and is no more."""
    return ServerUnavailable(
        "the PostgreSQL server of the tests no longer answers: it was ended by something else.",
        why="\n".join(_said(home)),
        hints=("run the tests again; if it goes on, look who kills it: out of memory? (dmesg)",),
    )


def last_words(home: Path) -> str:
    """Return the end of a server's log, as text."""
    return "\n".join(_said(home))


def _said(home: Path) -> list[str]:
    text = files.read(str(home / "log")) or ""
    lines = text.strip().splitlines()[-LINES:]
    return [f"the last lines of {home / 'log'}:", *(f"    {line}" for line in lines)] if lines else []


def _shortened(command: list[str]) -> str:
    """Return a command without the settings, which are always the same."""
    return shlex.join(command[:3]) + (" ..." if command[3:] else "")
