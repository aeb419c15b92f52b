"""The lines that a run shows above and below its tests, built by pure functions."""

from __future__ import annotations

from hermetic.run import Run
from hermetic.trace.observed import observed_lines


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


def summary_lines(run: Run) -> list[str]:
    """Return the lines for the bottom: what was found in place of settings, and what ``observe`` saw."""
    lines = []
    if run.schema_used and not run.settings.schema:
        lines.append(
            f"schema: {', '.join(run.schema_used)}; to fix it: hermetic_schema = {run.schema_used[0].split()[0]}"
        )
    if run.settings.mode == "observe":
        lines.extend(observed_lines(run.observations, run.root))
    return lines
