"""What ``observe`` tells at the end of a run: what ``on`` would do, and what it would fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hermetic.report.facts import Tally, Totals
from hermetic.settings import Level

SHOWN = 5


class ObservedEngine(NamedTuple):
    """An engine that was used.

    Attributes:
        url: Its URL, password masked.
        made_at: The user's line that made it, ``file:line``; empty for one older than the run.
        destination: Where its connections would go.
        is_contained: Whether that is a database of hermetic's.
        given: The variable that would give another URL in mode ``on``, as ``NAME=value``; empty where none does.
    """

    url: str
    made_at: str
    destination: str
    is_contained: bool = True
    given: str = ""


WOULD = {
    "error": "would fail its test at the teardown",
    "warn": "would be a warning",
    "off": "nobody would see",
}
"""What becomes of a finding in mode ``on``, by the guard's level."""


def observed_lines(
    totals: Totals, variables: Sequence[str], root: Path, levels: Mapping[str, Level]
) -> list[str]:
    """Return the lines of the report.

    Args:
        totals: The facts of the run.
        variables: The variables that ``hermetic_env`` would set to another value than there is.
        root: The project's folder; files inside are shown relative to it.
        levels: The level of each guard.
    """
    engines = [ObservedEngine(*each) for each in totals.process.engines]
    drivers = sorted(totals.process.drivers)
    lines = [_restored(engines, drivers)]
    lines += ["", *_engines(engines, root), *_drivers(drivers)]
    if variables:
        lines += ["", f"environment: {', '.join(variables)} would be set before the application is imported"]
    for guard, level in levels.items():
        lines += _breaches(guard, level, totals.breaches.get(guard, {}))
    lines += ["", "To try it: pytest --hermetic=on. For good: hermetic = on in the ini file."]
    return lines


def _restored(engines: Sequence[ObservedEngine], drivers: Sequence[str]) -> str:
    """Say what mode ``on`` would put back between tests, if there is anything."""
    if any(engine.is_contained for engine in engines):
        return "Nothing was changed. In mode on, each test would start from the baseline, and:"
    why = "no engine here goes to a database of hermetic's" if engines else "no engine was used"
    if drivers:
        return f"Nothing was changed, and {why}. What mode on would restore, drivers decide:"
    return f"Nothing was changed. In mode on, no database would be restored either: {why}."


def _drivers(names: Sequence[str]) -> list[str]:
    """Say what is not seen in this mode."""
    if not names:
        return []
    return [
        f"drivers: what {', '.join(names)} may have opened past an engine is not looked at in this mode;"
        " in mode on it goes by the same rules as engines"
    ]


def _engines(engines: Sequence[ObservedEngine], root: Path) -> list[str]:
    if not engines:
        return ["engines: none was used"]
    lines = [f"engines: {len(engines)} used, and where their connections would go"]
    places: dict[str, list[ObservedEngine]] = {}
    for engine in engines:
        places.setdefault(engine.made_at, []).append(engine)
    for place, made in places.items():
        lines += _of_place(relative(place, root), made)
    return lines


def _of_place(place: str, engines: Sequence[ObservedEngine]) -> Iterator[str]:
    """Yield the engines that one line made, the first few of a line that makes one for each test."""
    for engine in engines[:SHOWN]:
        notes = [f"made at {place}"] if place else []
        notes += [f"with {engine.given} of hermetic_env"] if engine.given else []
        yield f"  {engine.url} -> {engine.destination}" + (f"  ({', '.join(notes)})" if notes else "")
    if len(engines) > SHOWN:
        yield f"  ... and {len(engines) - SHOWN} more{f' made at {place}' if place else ''}"


def _breaches(guard: str, level: Level, found: Mapping[str, Tally]) -> list[str]:
    if not found:
        return ["", f"{guard}: none"] if guard == "leaks" else []
    total = sum(each.count for each in found.values())
    lines = ["", f"{guard}: {total}, each of which {WOULD[level]} (hermetic_{guard})"]
    for what, each in list(found.items())[: SHOWN * SHOWN]:
        others = f" (and {each.count - 1} more like it)" if each.count > 1 else ""
        lines += [f"  {each.first}{others}", *(f"      {line}" for line in what.splitlines() if line)]
    return lines if len(found) <= SHOWN * SHOWN else [*lines, f"  ... and {len(found) - SHOWN * SHOWN} more"]


def relative(place: str, root: Path) -> str:
    """Return a place as it is shown: below the project's folder without that."""
    return place.removeprefix(f"{root}/")
