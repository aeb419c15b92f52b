"""Run what a page tells its reader to type, and compare what is printed with what the page shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from tests.caches import with_initdb
from tests.docs.pages import ROOT, Block
from tests.pytest_plugin.forkserver import Ended, forkserver

USUAL = ("hermetic", "asyncio", "anyio", "xdist", "xdist.looponfail")
"""The plugins that every example has."""

NAMED = {
    "hypothesispytest": "hypothesis",
    "rerunfailures": "flaky",
    "respx": "respx",
    "time_machine": "time_machine",
}
"""Those that an example has if a word stands in it; to import all that there are takes longer than most examples do."""

PROGRAMS = {
    "pytest": [sys.executable, "-m", "pytest", "-pno:cacheprovider"],
    "hermetic": [str(Path(sys.executable).with_name("hermetic"))],
    "python": [sys.executable],
}
"""What a page may tell its reader to run. A pytest that runs hermetic also takes every warning for an error."""

LONGEST = 600
"""Seconds after which a command counts as hung, on the busiest machine."""

_SECONDS = re.compile(r"\b\d+(\.\d+)?( m)?s\b(?: \(\d+:\d\d:\d\d\))?")
_BAD = re.compile(r"\b(failed|errors?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the lines of output that the page shows."""

    line: str
    shown: tuple[str, ...]

    @property
    def ends_well(self) -> bool:
        """Whether the page shows no failure."""
        return not any(_BAD.search(line) for line in self.shown)


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, *shown = part.splitlines()
        yield Command(line, tuple(shown))


def run(line: str, folder: Path) -> Ended:
    """Run a command in a folder, as a reader would: nothing of this suite's own environment is passed on."""
    assignments, program, arguments = _split(line)
    known = list(PROGRAMS[program])
    if program == "pytest":
        known += [f"-pno:{name}" for name in _unwanted(folder)]
        # The project lies in this suite's own temporary folder, whose database files hermetic would leave alone.
        known += ["--basetemp", str(folder.parent / "temporary")]
    if program == "pytest" and "no:hermetic" not in arguments:
        known += ["-W", "error"]
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTEST", "HERMETIC", "PYTHONDONTWRITEBYTECODE"))
    }
    environment |= {
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "110",
        "NO_COLOR": "1",
    }
    if folder != ROOT:
        # Not the user's, for projects that go.
        environment["HERMETIC_CACHE"] = str(with_initdb(folder.parent / "cache"))
    usual = dict(environment)
    environment |= assignments
    server = forkserver(usual, environment) if program == "pytest" else None
    if server is not None:
        return server.run([*known[3:], *arguments], folder, environment, LONGEST)
    done = subprocess.run(
        [*known, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    return Ended(done.returncode, done.stdout, hung=False)


def missing(shown: tuple[str, ...], output: str) -> str | None:
    """Return the first line that the page shows and the output does not have behind the one before it."""
    printed = iter([_plain(line) for line in output.splitlines()])
    for line in shown:
        wanted = _plain(line)
        if wanted in ("", "..."):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("...")))
        if not any(pattern.fullmatch(found) for found in printed):
            return line
    return None


def _unwanted(folder: Path) -> list[str]:
    """Return the plugins that are installed and that an example does not have."""
    files = [] if folder == ROOT else folder.rglob("*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    wanted = {*USUAL, *(name for name, word in NAMED.items() if word in text)}
    return sorted({entry.name for entry in entry_points(group="pytest11")} - wanted)


def _split(line: str) -> tuple[dict[str, str], str, list[str]]:
    words = shlex.split(line)
    assignments = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        assignments[name] = value
    return assignments, words[0], words[1:]


def _plain(line: str) -> str:
    """Drop what differs from run to run or between terminals: durations, rulers, the space around."""
    return _SECONDS.sub("0s", line).strip().strip("=_").strip()
