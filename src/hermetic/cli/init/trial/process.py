"""Have a subject tried, and wait for what comes of it; whatever happens meanwhile, nothing of it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hermetic.cli.init.trial.lines import lines_of_stack
from hermetic.cli.init.trial.outcome import Failure, Outcome, loads
from hermetic.cli.init.trial.subject import Subject
from hermetic.errors import CommandError

SUPERVISOR = Path(__file__).with_name("supervisor.py")
CHILD = "hermetic.cli.init.trial.child"
SHOWN = 12
"""Lines of what it printed that may be shown."""


def command() -> list[str]:
    """Return what runs in the child: like ``pytest``, without the current folder on its path; it writes no bytecode."""
    return [sys.executable, "-P", "-B", "-m", CHILD]


def attempt(subject: Subject, limit: float) -> Outcome:
    """Try a subject.

    Args:
        subject: What is tried.
        limit: Seconds after which it is ended.

    Raises:
        ConfigurationError: This system has no process groups.
        KeyboardInterrupt: It was interrupted; nothing of it goes on then.
    """
    if sys.platform == "win32":  # pragma: no cover - no process group can be ended as a whole there
        raise CommandError("hermetic init --try runs on Linux and macOS.", hints=("leave out --try",))
    request = {**asdict(subject), "command": command(), "limit": limit}
    supervisor = subprocess.Popen(
        [sys.executable, "-P", str(SUPERVISOR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for us alone
    )
    assert supervisor.stdin is not None and supervisor.stdout is not None
    answer = b""
    try:
        supervisor.stdin.write(json.dumps(request).encode() + b"\n")
        supervisor.stdin.flush()
        answer = supervisor.stdout.read()
    except BrokenPipeError:  # pragma: no cover - it ended at once, and its own words are on the screen
        pass
    finally:
        supervisor.stdin.close()  # which has it end all of it
        supervisor.wait()
        supervisor.stdout.close()
    return _outcome(json.loads(answer or b"{}"), subject, limit)


def _outcome(answer: Mapping[str, Any], subject: Subject, limit: float) -> Outcome:
    output = tuple(answer.get("output", "").splitlines()[-SHOWN:])
    if answer.get("result"):
        return replace(loads(answer["result"]), output=output)
    if answer.get("late"):
        what = f"{subject.app} was not built within {limit:g} s, and was ended."
    else:
        what = f"the process ended {_status(answer.get('status', 0))} before {subject.app} was built."
    lines = lines_of_stack(answer.get("stack", ""), subject.project)
    return Outcome(failure=Failure(what, lines), output=output)


def _status(status: int) -> str:
    """Say how a process ended, from its exit code, or the negative number of a signal."""
    if status < 0:
        return f"by signal {-status} ({signal.strsignal(-status)})"
    return f"with exit code {status}"
