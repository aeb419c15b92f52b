"""The lines that a run shows above and below its tests, built by pure functions."""

from __future__ import annotations

from hermetic.run import Run
from hermetic.trace.observed import observed_lines

SHOWN = 5


def header_lines(run: Run) -> list[str]:
    """Return the lines for the top: mode, application, schema, isolation, each with where it was set."""
    settings = run.settings
    schema = ", ".join(settings.schema) or "found when the first test needs it (hermetic_schema is not set)"
    parts = [
        f"mode {settings.mode}",
        f"app {settings.app or '(none)'}",
        f"schema {schema}",
        f"isolation {settings.isolation}",
        f"leaks {settings.leaks}",
    ]
    return [f"hermetic: {', '.join(parts)}"]


def override_lines(left: list[str]) -> list[str]:
    """Return what is said of the overrides that tests left behind, the first few by name."""
    if not left:
        return []
    lines = [
        f"overrides: {len(left)} that tests left were undone; to have them end: with client.override(...)"
    ]
    lines += [f"  {each}" for each in left[:SHOWN]]
    return lines if len(left) <= SHOWN else [*lines, f"  ... and {len(left) - SHOWN} more"]


def summary_lines(run: Run) -> list[str]:
    """Return the lines for the bottom: what was found in place of settings, and what ``observe`` saw."""
    lines = []
    if run.schema_used and not run.settings.schema:
        lines.append(
            f"schema: {', '.join(run.schema_used)}; to fix it: hermetic_schema = {run.schema_used[0].split()[0]}"
        )
    lines.extend(override_lines(list(run.observations.overrides)))
    if run.settings.mode == "observe":
        lines.extend(observed_lines(run.observations, run.root))
    return lines
