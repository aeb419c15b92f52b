"""The lines that a run shows above its tests, built by pure functions."""

from __future__ import annotations

from pathlib import Path

from hermetic.database.backend import get_backend
from hermetic.settings import Settings


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
