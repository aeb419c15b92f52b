"""What ``observe`` tells at the end of a run: what ``on`` would do, and what it would fail."""

from __future__ import annotations

from pathlib import Path

from hermetic.guards.observations import Observations, ObservedEngine


def observed_lines(observations: Observations, root: Path) -> list[str]:
    """Return the lines of the report.

    Args:
        observations: What was seen.
        root: The project's folder; files inside are shown relative to it.
    """
    lines = ["Nothing was changed. In mode on, each test would start from the baseline, and:"]
    lines += ["", *_engines(list(observations.engines), root)]
    lines += ["", *_leaks(observations.leaks)]
    lines += ["", "To try it: pytest --hermetic=on. For good: hermetic = on in the ini file."]
    return lines


def _engines(engines: list[ObservedEngine], root: Path) -> list[str]:
    if not engines:
        return ["engines: none was used"]
    lines = [f"engines: {len(engines)} used, and where their connections would go"]
    for engine in engines:
        made = f"  (made at {relative(engine.made_at, root)})" if engine.made_at else ""
        lines.append(f"  {engine.url} -> {engine.destination}{made}")
    return lines


def _leaks(leaks: list[str]) -> list[str]:
    if not leaks:
        return ["leaks: none"]
    lines = [f"leaks: {len(leaks)}, each of which would fail its test at the teardown (hermetic_leaks)"]
    for leak in leaks:
        what, *rest = [line for line in leak.splitlines() if line]
        lines += [f"  {what}", *(f"      {line}" for line in rest)]
    return lines


def relative(place: str, root: Path) -> str:
    """Return a place as it is shown: below the project's folder without that."""
    return place.removeprefix(f"{root}/")
