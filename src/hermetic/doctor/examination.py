"""Examine a project: read it, whatever state it is in, and apply the rules.

What cannot be read is noted and left out: one broken file must not hide what the others say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hermetic.doctor.rules import RULES, Rule
from hermetic.doctor.subject import Subject
from hermetic.doctor.versions import find_versions
from hermetic.errors import ConfigurationError
from hermetic.source.configuration import Configuration, find_configuration
from hermetic.source.databases import Databases
from hermetic.source.project import read_project
from hermetic.source.requirements import read_loosely
from hermetic.source.sources import read_sources
from hermetic.source.suite_modules import named_plugins, with_helpers
from hermetic.source.symbols import Symbols

IGNORE = re.compile(r"#\s*hermetic:\s*ignore\[([A-Z0-9,\s]+)\]")
"""What leaves a line out of the report: ``# hermetic: ignore[HM720]``, on the line or alone above it."""

SHOWN = 5
"""How many files that were not read are named. More are so where a project is for a later Python."""


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes:
        rule: The rule.
        file: The file.
        line: The line, from 1.
        column: The column, from 1, in characters.
        text: What happens there.
    """

    rule: Rule
    file: Path
    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Diagnosis:
    """What an examination found.

    Attributes:
        findings: By file, line and column.
        notes: What could not be read, and what is not known.
        mode: The mode of hermetic that was assumed.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    mode: str


def examine(
    directory: Path,
    databases: Databases,
    *,
    rules: Iterable[Rule] = RULES,
    uses_hermetic: bool = True,
    environment: Path | None = None,
) -> Diagnosis:
    """Examine the project to which a path belongs.

    Args:
        directory: Any folder of it, or a file.
        databases: The kinds of databases that there are.
        rules: Those to apply.
        uses_hermetic: Whether its settings of hermetic count.
        environment: The environment that it runs in; None for one that lies in it, or that something else tells.

    Raises:
        ConfigurationError: There is nothing at that path, or it cannot be listed.
    """
    notes: list[str] = []
    if directory.is_file():
        notes.append(f"{directory} is a file: the project around it is examined")
        directory = directory.parent
    symbols, configuration = _read(directory, notes)
    versions = find_versions(symbols.sources, configuration, environment)
    if not uses_hermetic:
        configuration = _without_hermetic(configuration)
    mode = _mode(configuration)
    subject = Subject(
        symbols, configuration, versions, databases, is_on=mode == "on", uses_hermetic=uses_hermetic
    )
    found = tuple(_found(subject, rules))
    return Diagnosis(found, (*notes, *_notes(subject)), mode)


def examined_by(subject: Subject, codes: Collection[str]) -> Iterator[Finding]:
    """Yield what the rules of some codes find in a project that is read already."""
    return _found(subject, [rule for rule in RULES if rule.code in codes])


def _read(directory: Path, notes: list[str]) -> tuple[Symbols, Configuration]:
    try:
        symbols = read_project(directory)
    except ConfigurationError as error:
        symbols = Symbols(read_sources(directory))  # which raises where there is no directory to read
        notes.append(error.what)
    root, boundary = symbols.sources.root, symbols.sources.boundary
    try:
        configuration = find_configuration(root, boundary)
    except ConfigurationError as error:
        configuration = Configuration(root / "pytest.ini", ("pytest",))
        notes.append(error.what)
    return with_helpers(symbols, named_plugins(configuration)), configuration


def _without_hermetic(configuration: Configuration) -> Configuration:
    others = {key: value for key, value in configuration.values.items() if not key.startswith("hermetic")}
    return replace(configuration, values=others)


def _mode(configuration: Configuration) -> str:
    words = configuration.strings("addopts")
    if "no:hermetic" in " ".join(words):
        return "off"
    flagged = next((word.partition("=")[2] for word in words if word.startswith("--hermetic=")), "")
    named = flagged or str(configuration.values.get("hermetic", "")).strip()
    return named or ("on" if configuration.values.get("hermetic_app") else "off")


def _found(subject: Subject, rules: Iterable[Rule]) -> Iterator[Finding]:
    lines = _Lines()
    spots = {
        (each.file, each.line, each.column, rule.code): each for rule in rules for each in rule.find(subject)
    }
    by_code = {rule.code: rule for rule in rules}
    for (file, line, column, code), each in sorted(spots.items(), key=lambda item: item[0]):
        if not lines.ignore(file, line, code):
            yield Finding(by_code[code], file, line, lines.column(file, line, column), each.text)


class _Lines:
    """The lines of files in which something is found, each file read once."""

    def __init__(self) -> None:
        self._lines: dict[Path, list[str]] = {}

    def ignore(self, file: Path, line: int, code: str) -> bool:
        """Whether a comment leaves a code out at a line of a file."""
        lines = self._read(file)
        above = lines[line - 2].strip() if 2 <= line <= len(lines) + 1 else ""
        texts = [lines[line - 1] if line <= len(lines) else "", above if above.startswith("#") else ""]
        named = ",".join(match[1] for text in texts for match in IGNORE.finditer(text))
        return code in {each.strip() for each in named.split(",")}

    def column(self, file: Path, line: int, column: int) -> int:
        """Return a column from 1 in characters, of one from 0 in bytes."""
        lines = self._read(file)
        text = lines[line - 1] if line <= len(lines) else ""
        return len(text.encode("utf-8")[:column].decode("utf-8", "replace")) + 1

    def _read(self, file: Path) -> list[str]:
        if file not in self._lines:
            self._lines[file] = re.split(r"\r\n|\r|\n", read_loosely(file).removeprefix("\ufeff"))
        return self._lines[file]


def _notes(subject: Subject) -> Iterator[str]:
    sources = subject.sources
    for each in sources.skipped[:SHOWN]:
        yield f"{each.path} was not read: {each.reason}"
    if len(sources.skipped) > SHOWN:
        version = ".".join(map(str, sys.version_info[:2]))
        others = len(sources.skipped) - SHOWN
        yield f"{others} more files were not read, by the grammar of Python {version}, which runs this command"
    if not sources.modules:
        yield f"no Python files in {sources.root}"
    if subject.versions.unknown:
        names = " and ".join(subject.versions.unknown)
        yield (
            f"no lock file, requirement or environment tells the version of {names}: rules that depend on it are silent"
            " (--python names an interpreter)"
        )
