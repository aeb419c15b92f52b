"""What committed files show that the tests are run with: tox.ini, a Makefile, a nox session, a workflow, an example.

They are read as text, for each of them gives a variable its value in one of a few forms: ``NAME = value``,
``NAME=value``, ``NAME: value``, ``"NAME": "value"``, ``env["NAME"] = "value"``. A file that gives a variable several
values (a stage a job) says nothing of it, and neither does a value that is put together when the file is used.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.source.databases import Databases
from hermetic.source.requirements import read_loosely

RUNNERS = (
    "tox.ini",
    "tox.toml",
    "pyproject.toml",
    "setup.cfg",
    "noxfile.py",
    "Makefile",
    "makefile",
    "justfile",
    ".justfile",
    "Taskfile.y*ml",
    "scripts/*.sh",
)
WORKFLOWS = (
    ".github/workflows/*.y*ml",
    ".github/actions/*/action.y*ml",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    ".circleci/config.yml",
)
OF_TESTS = (".env.test", ".env.tests", ".env.testing", ".env.ci", ".test.env", "test.env")
"""Dotenv files that are called after tests; a folder of tests may have one, too."""
EXAMPLES = ("*.env.example", "*.env.sample", "*.env.template", "*.env.dist", "env.example", "example.env")
TESTING = re.compile(r"py\.?test|\b(tox|nox|tests?|coverage)\b")
"""A workflow without any of these deploys, or publishes."""

ASSIGNED = re.compile(
    r"(?<![\w${<-])([A-Z][A-Z0-9_]*)[\"']?\]?\s*(:=|\?=|=(?!=)|:(?!:))[ \t]*"
    r"(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'\\#,;)}\]]+)(?=([^#]*)))"
)
"""A name, what assigns, and a value: in quotes of either kind, or a word and what follows it."""
ONLY_QUOTED = frozenset({".py", ".toml"})
WHOLE_LINES = frozenset({".ini", ".cfg"})
OPEN = re.compile(r"[{}<$`]|%\(|\*\*\*|\.\.\.|^[|>&*!]")
"""What a value has in it that is not one yet."""


@dataclass(frozen=True)
class Shown:
    """A value, and the file that shows it."""

    text: str
    file: Path


def urls_of_runners(places: Iterable[Path], databases: Databases) -> dict[str, str]:
    """Return the databases' URLs that the same files give to variables, where there are several the first.

    Args:
        places: The folders in which such files may lie.
        databases: The kinds of databases that there are.
    """
    url = re.compile(
        rf"\b([A-Z][A-Z0-9_]*)[\"']?\s*[:=]\s*[\"']?((?:{databases.names})[a-z+0-9]*://[^\s\"'\\]*)"
    )
    found: dict[str, str] = {}
    for path in files_in(places, (*RUNNERS, *WORKFLOWS)):
        for name, text in url.findall(read_loosely(path)):
            found.setdefault(name, text)
    return found


def shown_by_runners(places: Iterable[Path]) -> dict[str, Shown]:
    """Return what the files give by which people, or a service, run the tests; the first that gives one counts.

    Args:
        places: The folders in which such files may lie.
    """
    found: dict[str, Shown] = {}
    for path in files_in(places, (*RUNNERS, *WORKFLOWS)):
        text = read_loosely(path)
        if path.suffix in (".yml", ".yaml") and not TESTING.search(text):
            continue
        for name, values in _values(path.suffix, text).items():
            if len(values) == 1 and is_clear(values[0]):
                found.setdefault(name, Shown(values[0], path))
    return found


def is_clear(text: str) -> bool:
    """Whether a text is a value, and neither empty nor to be filled in."""
    return bool(text.strip()) and "\0" not in text and not OPEN.search(text)


def files_in(places: Iterable[Path], patterns: Iterable[str]) -> Iterator[Path]:
    """Yield the files that are there, by folder, then by pattern."""
    wanted = tuple(patterns)
    for place in places:
        for pattern in wanted:
            yield from sorted(place.glob(pattern))


def example_files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the dotenv files that everybody has: those of the tests, then the examples."""
    folders = tuple(places)
    nested = [f"{folder}/{name}" for folder in ("test", "tests") for name in OF_TESTS]
    for path in files_in(folders, (*OF_TESTS, *nested)):
        if not any(_is_ignored(path, place) for place in folders):
            yield path
    yield from files_in(folders, EXAMPLES)


def _is_ignored(path: Path, place: Path) -> bool:
    """Whether a folder's ``.gitignore`` keeps a file out of the repository: it may hold secrets then."""
    is_ignored = False
    for line in read_loosely(place / ".gitignore").splitlines():
        pattern = line.strip()
        if pattern and fnmatch.fnmatch(path.name, pattern.removeprefix("!").rpartition("/")[2]):
            is_ignored = not pattern.startswith("!")
    return is_ignored


def _values(suffix: str, text: str) -> dict[str, list[str]]:
    """Return the different values that a text gives to each variable."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.lstrip().startswith(("#", ";", "//")):
            continue
        for name, value in _of_line(suffix, line):
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    return found


def _of_line(suffix: str, line: str) -> Iterator[tuple[str, str]]:
    for name, assigning, double, single, word, rest in ASSIGNED.findall(line):
        if not word:
            yield name, double or single
        elif suffix in ONLY_QUOTED:
            continue
        elif suffix in WHOLE_LINES or assigning == ":":
            yield name, f"{word}{rest}".strip()
        else:
            yield name, word
