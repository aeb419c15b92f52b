"""The lines that a run shows above and below its tests, built by pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.guards.observations import Observations, Tally
from hermetic.run import Run
from hermetic.trace.observed import SHOWN, observed_lines, relative
from hermetic.trace.server import announcement, facts_lines

if TYPE_CHECKING:
    from hermetic.database.address import Address


def header_lines(run: Run) -> list[str]:
    """Return the lines for the top: mode, application, schema, isolation, and the server if settings name one."""
    settings = run.settings
    schema = ", ".join(settings.schema) or "found when the first test needs it (hermetic_schema is not set)"
    parts = [
        f"mode {settings.mode}",
        f"app {settings.app or '(none)'}",
        f"schema {schema}",
        f"isolation {settings.isolation}",
        f"leaks {settings.leaks}",
    ]
    lines = [", ".join(parts), *announcement(settings, run.root)]
    return [f"hermetic: {line}" for line in lines]


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


def background_lines(left: Counter[str], mode: str) -> list[str]:
    """Return what is said of the tasks that tests left running, the first few by name."""
    became = "would be cancelled" if mode == "observe" else "were cancelled"
    return _first_few(
        f"background: {left.total()} that tests left running {became}; to wait for them: await async_client.drain()",
        list(left),
    )


def passed_lines(passed: list[str]) -> list[str]:
    """Return what is said of those who used a database while a wide fixture was set up."""
    return _first_few("what was written while a wide fixture was set up is part of what it wrote:", passed)


def _first_few(about: str, found: list[str]) -> list[str]:
    if not found:
        return []
    lines = [about, *(f"  {each}" for each in found[:SHOWN])]
    return lines if len(found) <= SHOWN else [*lines, f"  ... and {len(found) - SHOWN} more"]


def left_alone_lines(left_alone: Mapping[str, str], root: Path) -> list[str]:
    """Return what is said of the databases in memory that tests have for themselves, the first few by place."""
    lines = [
        f"left alone, and not restored: the database in memory made at {relative(place, root)}: {why}"
        for place, why in left_alone.items()
    ]
    shown = lines if len(lines) <= SHOWN else [*lines[:SHOWN], f"  ... and {len(lines) - SHOWN} more"]
    hint = "  to have them be the application's: hermetic_env = DATABASE_URL=sqlite+aiosqlite:///:memory:"
    return [*shown, hint] if shown else []


def earlier_lines(earlier: Mapping[str, str], root: Path) -> list[str]:
    """Return what is said of files that a driver opened, and wrote, before an engine named them."""
    lines = []
    for file, place in list(earlier.items())[:SHOWN]:
        url = f"sqlite:///{relative(file, root)}"
        lines += [
            f"{relative(file, root)} was opened at {relative(place, root)} before an engine named it, and is itself"
            " what that wrote to; the engine's database began as a copy",
            f"  to leave the file alone: hermetic_targets = {url} -> {url}",
        ]
    return lines if len(earlier) <= SHOWN else [*lines, f"  ... and {len(earlier) - SHOWN} more"]


def summary_lines(run: Run) -> list[str]:
    """Return the lines for the bottom: what was found in place of settings, and what was seen."""
    lines = list(dict.fromkeys([*closing_lines(run), *run.notes_of_workers]))
    seen = run.seen()
    lines.extend(seen_lines(seen, run.settings.mode, run.root))
    if run.settings.mode == "observe":
        lines.extend(observed_lines(seen, run.environment.changes(), run.root))
    return lines


def closing_lines(run: Run) -> list[str]:
    """Return what one process of the run has to say: the schema it found, its server, where the contents came from."""
    lines = []
    used = run.filling.used
    if used and not run.settings.schema:
        lines.append(f"schema: {', '.join(used)}; to fix it: hermetic_schema = {used[0].split()[0]}")
    lines.extend(other_backend_lines(run.settings.database, run.databases.opened))
    return [*lines, *_server(run), *run.filling.notes(), *run.notes]


def seen_lines(seen: Observations, mode: str, root: Path) -> list[str]:
    """Return what is said of what all processes of the run have seen."""
    return [
        *override_lines(seen.overrides, mode),
        *background_lines(seen.background, mode),
        *passed_lines(list(seen.passed)),
        *left_alone_lines(seen.left_alone, root),
        *earlier_lines(seen.earlier, root),
        *only_read_lines(seen.written),
    ]


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


def other_backend_lines(named: str | None, opened: Sequence[Address]) -> list[str]:
    """Return what is said where the application opens no database of the kind that ``hermetic_database`` names."""
    if named is None or not opened or any(address.backend == named for address in opened):
        return []
    where = ", ".join(f"{address.backend} ({address.name})" for address in opened)
    return [
        f"hermetic_database = {named}, but the application's engines are for {where}, and so were its tests",
        "  where its URL comes from a variable, hand it ours: hermetic_env = DATABASE_URL={url}",
    ]


def _server(run: Run) -> list[str]:
    host = run.postgresql.host if run.postgresql is not None else None
    if host is None or host.facts is None:
        return []
    from hermetic.database.backends.postgresql.server.named import named_version

    named = named_version(run.settings.postgresql_version, run.root)
    return [*facts_lines(host.facts, host.instance.administrator, named), *host.roles.left]
