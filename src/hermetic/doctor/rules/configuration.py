"""The rule about settings that have no effect: in a file or a section that pytest does not read, or misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hermetic.doctor.subject import Spot, Subject
from hermetic.explain.runner import KEYS
from hermetic.explain.written_settings import (
    FILES,
    Written,
    is_of_another_file,
    key_meant_by,
    sections_of,
    written,
)
from hermetic.settings import INI
from hermetic.source.configuration import read_configuration
from hermetic.source.requirements import read_loosely
from hermetic.source.shown_values import WORKFLOWS

OTHERS = ("asyncio_debug",)
"""Keys of pytest-asyncio that say nothing of loops or modes."""

RUNS = ("Makefile", "tox.ini", "noxfile.py", "justfile", *WORKFLOWS, "scripts/*.sh", "*.sh")


def not_read(subject: Subject) -> Iterator[Spot]:
    """Settings of pytest-asyncio, anyio or hermetic that stand where pytest does not read them, or under no key."""
    yield from _in_a_losing_file(subject)
    for path in (subject.configuration.path.parent / name for name in FILES):
        if path.is_file():
            yield from _in_another_section(subject, path)
    yield from _misspelt(subject)


def _in_a_losing_file(subject: Subject) -> Iterator[Spot]:
    """Give the file that pytest does not read because another one beside it goes first."""
    winner = subject.configuration
    for path in winner.outranked:
        if path.parent != winner.path.parent:
            continue
        loser = read_configuration(path)
        values = loser.values if loser is not None else {}
        keys = [key for key in values if key.startswith("asyncio_") or key == "anyio_mode"]
        lost = [key for key in keys if str(winner.values.get(key)) != str(values[key])]
        if lost and not _is_named_by_a_run(subject, path.name):
            why = f"pytest reads {winner.path.name} beside this file, and only that"
            yield Spot(path, _line_of(path, lost[0]), 0, _not_in_force(lost, why))


def _in_another_section(subject: Subject, path: Path) -> Iterator[Spot]:
    """Give each section that pytest reads in files of another name only, and that sets what nothing else does."""
    found: dict[str, list[Written]] = {}
    for each in written(path):
        is_lost = _is_ours(subject, each.key) and each.key not in subject.configuration.values
        if is_lost and is_of_another_file(each.section, path):
            found.setdefault(each.section, []).append(each)
    for section, lines in found.items():
        why = f"in a file of this name pytest reads [{sections_of(path)[-1]}], and not [{section}]"
        yield Spot(path, lines[0].line, 0, _not_in_force([each.key for each in lines], why))


def _is_ours(subject: Subject, key: str) -> bool:
    return key in KEYS or (key in INI and subject.uses_hermetic)


def _misspelt(subject: Subject) -> Iterator[Spot]:
    """Give each key that is spelt much like one of a runner, or that begins as hermetic's do and is none of them."""
    winner = subject.configuration
    for key in winner.values:
        at = _line_of(winner.path, key)
        if key.lower().replace("-", "_").startswith("hermetic_"):
            if key not in INI and subject.uses_hermetic:
                meant = key_meant_by(key, INI)
                near = f": {meant} is one" if meant else ""
                yield Spot(winner.path, at, 0, f"{key} is no key of hermetic's, and a run refuses it{near}")
        elif key not in (*KEYS, *OTHERS) and (meant := key_meant_by(key, KEYS)):
            yield Spot(
                winner.path, at, 0, _not_in_force([key], f"no plugin has a key of this name: {meant} is one")
            )


def _not_in_force(keys: Iterable[str], why: str) -> str:
    return f"not in force: {', '.join(keys)}. {why[0].upper()}{why[1:]}"


def _line_of(path: Path, key: str) -> int:
    lines = read_loosely(path).splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.strip().startswith(key)), 1)


def _is_named_by_a_run(subject: Subject, name: str) -> bool:
    """Whether a Makefile, a workflow or a script has pytest read that file: ``pytest -c pyproject.toml``."""
    named = re.compile(rf"(-c|--config-file)[ =]\S*{re.escape(name)}")
    files = (file for place in subject.places for pattern in RUNS for file in place.glob(pattern))
    return any(named.search(read_loosely(file)) for file in files)
