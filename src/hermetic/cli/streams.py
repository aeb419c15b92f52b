"""The streams of the process, as whoever started it has left them: closed, on a full disk, in an encoding of old.

A service or ``>&-`` closes them, and Python has None in their place, which nobody who writes expects. A locale or
``PYTHONIOENCODING`` may have no word for what is in a project's files; such characters come out as escapes, as they do
on stderr.
"""

from __future__ import annotations

import io
import os
import sys

NAMES = {"stdin": "r", "stdout": "w", "stderr": "w"}
"""In the order of their numbers: a file that is opened gets the lowest that is free."""


def make_writable() -> None:
    """Open the null device for streams that are closed, and let stdout write whatever characters there are."""
    for name, mode in NAMES.items():
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write out what is left for stdout; drop it where nobody takes it, of which Python would complain when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, sys.stdout.fileno())
        os.close(silence)
