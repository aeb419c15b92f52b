"""The lines that a run shows above its tests, built by pure functions."""

from __future__ import annotations

from pathlib import Path

from hermetic.database.backends.postgresql.header import announcement
from hermetic.settings import Settings


def header_lines(settings: Settings, root: Path) -> list[str]:
    """Return the lines for the top: mode, application, schema, isolation, and the server if settings name one."""
    schema = ", ".join(settings.schema) or "found when the first test needs it (hermetic_schema is not set)"
    parts = [
        f"mode {settings.mode}",
        f"app {settings.app or '(none)'}",
        f"schema {schema}",
        f"isolation {settings.isolation}",
        f"leaks {settings.leaks}",
    ]
    lines = [", ".join(parts), *announcement(settings, root)]
    return [f"hermetic: {line}" for line in lines]
