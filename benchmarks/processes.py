"""Running pytest as a user does, in a process of its own, and timing the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

FOREIGN = ("PYTEST", "HERMETIC", "PYTHON", "COVERAGE", "DATABASE_URL")
TIMEOUT = 600


@dataclass(frozen=True)
class Took:
    """What a process took, in seconds and memory.

    Attributes:
        wall: From its start to its end, as a user waits.
        cpu: Of the processor; less disturbed by what else the machine does.
        memory: What it held at most, in MB; 0 where that was not looked at.
    """

    wall: float
    cpu: float
    memory: float = 0.0


class BenchmarkFailed(Exception):
    """What was to be measured does not work, so that its time says nothing."""


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what steers pytest, and with ``extra``."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | dict(extra)


def run_pytest(
    root: Path,
    plugins: Sequence[str] | None,
    arguments: Sequence[str],
    extra: Mapping[str, str] | None = None,
) -> Took:
    """Run pytest in a project and return what the process took.

    Args:
        root: The project's folder; temporary files go beside it.
        plugins: The plugins to load, by entry point, and no others; None: all that are installed.
        arguments: More of pytest's arguments.
        extra: More environment variables.

    Raises:
        BenchmarkFailed: A test failed; the message is pytest's output.
    """
    variables = {"TMPDIR": str(root.parent), **(extra or {})}
    if plugins is not None:
        variables["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for plugin in plugins or ():
        command += ["-p", plugin]
    done, took = run_timed([*command, *arguments], root, variables)
    if done.returncode != 0:
        raise BenchmarkFailed(f"pytest {' '.join(arguments)} under {root.name!r}:\n{done.stdout}")
    return took


def run_timed(
    command: Sequence[str], folder: Path, variables: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], Took]:
    """Run a command in a folder, with more environment variables; return what it said and what it took."""
    started, cpu = perf_counter(), children_cpu()
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return done, Took(perf_counter() - started, children_cpu() - cpu)


def children_cpu() -> float:
    """Return the processor's seconds of all processes that were started and have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
