"""What a run shows above its tests, below them, and below the traceback of one: pure functions of its facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from hermetic.database.backend import DEFAULT_BACKEND, every_backend, get_backend
from hermetic.errors import BackgroundError, HermeticError
from hermetic.report.facts import Tally, TestFacts, Totals
from hermetic.report.observed import SHOWN, observed_lines, relative
from hermetic.settings import Settings

Section = tuple[str, str]


def header_lines(settings: Settings, root: Path) -> list[str]:
    """Return the lines for the top: mode, application, schema, isolation, and the server if settings name one."""
    schema = ", ".join(settings.schema) or "found when the first test needs it (hermetic_schema is not set)"
    parts = [
        f"mode {settings.mode}",
        f"app {settings.app or '(none)'}",
        f"schema {schema}",
        f"isolation {settings.isolation}",
        f"leaks {settings.guards['leaks']}",
    ]
    named = settings.named_backend
    announced = get_backend(named).announcement(settings, root) if named else []
    lines = [", ".join(parts), *announced]
    return [f"hermetic: {line}" for line in lines]


def failure_sections(facts: TestFacts, causes: Sequence[HermeticError], *, failed: bool) -> list[Section]:
    """Return the sections of the report of a part of a test: set-up, call or teardown.

    Args:
        facts: What was told of that part.
        causes: Why it failed, where that is known.
        failed: Whether it failed.
    """
    known = [*facts.lock_waits, *map(str, causes)]
    sections = [("hermetic", "\n\n".join(known))] if failed and known else []
    # The word teardown has pytest show it below a failure of the call, too.
    return [*sections, *(("hermetic, at teardown", message) for message in facts.kept)]


def override_lines(left: Mapping[str, Tally], mode: str) -> list[str]:
    """Return what is said of the overrides that tests left behind, the first few dependencies by name."""
    total = sum(each.count for each in left.values())
    became = "would be undone" if mode == "observe" else "were undone"
    return _first_few(
        f"overrides: {total} that tests left {became}; to have them end: with client.override(...)",
        [f"{name}, left by {_tests(each)}" for name, each in left.items()],
    )


def _tests(tally: Tally) -> str:
    return tally.first if tally.count == 1 else f"{tally.count} tests, {tally.first} the first"


def task_lines(left: Counter[str], mode: str) -> list[str]:
    """Return what is said of the tasks that tests left running, the first few by name."""
    became = "would be cancelled" if mode == "observe" else "were cancelled"
    about = f"background: {left.total()} that tests left running {became} [{BackgroundError.code}]"
    return _first_few(
        f"{about}; to wait for them: await async_client.drain(); to fail such a test: hermetic_tasks = error",
        list(left),
    )


def used_in_set_up_lines(found: list[str]) -> list[str]:
    """Return what is said of those who used a database while a wide fixture was set up."""
    return _first_few("what was written while a wide fixture was set up is part of what it wrote:", found)


def _first_few(about: str, found: list[str]) -> list[str]:
    if not found:
        return []
    lines = [about, *(f"  {each}" for each in found[:SHOWN])]
    return lines if len(found) <= SHOWN else [*lines, f"  ... and {len(found) - SHOWN} more"]


def left_alone_lines(left_alone: Mapping[str, str], root: Path, settings: Settings) -> list[str]:
    """Return what is said of the databases in memory that tests have for themselves, the first few by place."""
    lines = [
        f"left alone, and not restored: the database in memory made at {relative(place, root)}: {why}"
        for place, why in left_alone.items()
    ]
    shown = lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"  ... and {len(lines) - SHOWN} more"]
    if not shown or not (settings.app or settings.schema):
        return shown
    example = next(each.in_memory for each in every_backend() if each.in_memory)
    wish = "to have it be the application's" if settings.app else "to have it filled by hermetic_schema"
    return [*shown, f"  where a variable gives that URL, {wish}: hermetic_env = NAME={example}"]


def earlier_lines(earlier: Mapping[str, str], root: Path) -> list[str]:
    """Return what is said of files that a driver opened, and wrote, before an engine named them."""
    lines = []
    for file, place in list(earlier.items())[:SHOWN]:
        url = f"{DEFAULT_BACKEND}:///{relative(file, root)}"
        lines += [
            f"{relative(file, root)} was opened at {relative(place, root)} before an engine named it, and is itself"
            " what that wrote to; the engine's database began as a copy",
            f"  to leave the file alone: hermetic_targets = {url} -> {url}",
        ]
    return lines if len(earlier) <= SHOWN else [*lines, f"  ... and {len(earlier) - SHOWN} more"]


def summary_lines(totals: Totals, settings: Settings, root: Path, variables: Sequence[str] = ()) -> list[str]:
    """Return the lines for the bottom: what was found in place of settings, and what was seen.

    Args:
        totals: The facts of the run.
        settings: The project's.
        root: The project's folder.
        variables: Those that ``hermetic_env`` would set to another value than there is, in mode ``observe``.
    """
    process = totals.process
    lines = [
        *lost_lines(totals.lost),
        *contents_lines(process.contents, settings.schema),
        *other_backend_lines(settings.database, process.named),
        *process.server,
        *process.notes,
        *override_lines(totals.overrides, settings.mode),
        *task_lines(totals.tasks, settings.mode),
        *used_in_set_up_lines(list(totals.used_in_set_up)),
        *left_alone_lines(process.left_alone, root, settings),
        *earlier_lines(process.earlier, root),
        *only_read_lines(process.databases),
    ]
    if settings.mode == "observe":
        lines.extend(observed_lines(totals, variables, root, settings.guards))
    return lines


def lost_lines(lost: Sequence[str]) -> list[str]:
    """Return what is said of the workers that ended without a word; what their tests left is here all the same."""
    if not lost:
        return []
    return [
        f"not here: what {', '.join(lost)} knew of the whole run (engines, databases, server): it was killed"
    ]


def contents_lines(found: Sequence[str], schema: Sequence[str]) -> list[str]:
    """Return what is said of what fills the databases, where no setting names it."""
    if schema or not found:
        return []
    return [f"schema: {', '.join(found)}; to keep to it: hermetic_schema = {found[0].split()[0]}"]


def only_read_lines(written: Mapping[str, bool]) -> list[str]:
    """Return what is said of databases that tests only read, beside those that they wrote to: replicas, perhaps."""
    lines = []
    for url in (url for url, is_written in written.items() if not is_written):
        alike = [
            each for each, is_written in written.items() if is_written and _backend(each) == _backend(url)
        ]
        if alike:
            same = [each for each in alike if each.rpartition("/")[2] == url.rpartition("/")[2]]
            meant = (same or alike)[0]
            lines += [
                f"only read: {url} is a database of its own, and has nothing of what tests write to {meant}",
                f"  if it is a replica of that: hermetic_targets = {url} -> {meant}",
            ]
    return (
        lines
        if len(lines) <= 2 * SHOWN
        else [*lines[: 2 * SHOWN], f"  ... and {len(lines) // 2 - SHOWN} more"]
    )


def _backend(url: str) -> str:
    return url.partition(":")[0]


def other_backend_lines(backend: str | None, named: Sequence[Sequence[str]]) -> list[str]:
    """Return what is said where the application opens no database of the kind that ``hermetic_database`` names.

    Args:
        backend: What that setting says.
        named: The databases that the application's engines are for, each by its kind and its name.
    """
    if backend is None or not named or any(kind == backend for kind, _ in named):
        return []
    where = ", ".join(f"{kind} ({name})" for kind, name in named)
    return [
        f"hermetic_database = {backend}, but the application's engines are for {where}, and so were its tests",
        "  where its URL comes from a variable, hand it ours: hermetic_env = DATABASE_URL={url}",
    ]
