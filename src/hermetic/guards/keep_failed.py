"""Keeping the databases of a failed test, and what its report says of that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hermetic.database.protocols import WorkerDatabase
from hermetic.database.stored import FOLDER, Kept
from hermetic.masking import masked


def keep(databases: Sequence[WorkerDatabase], test: str, root: Path) -> str:
    """Keep what a test left in its databases; whatever goes wrong is told and fails nothing.

    Args:
        databases: Those of the process.
        test: Whose they are.
        root: The project's folder.

    Returns:
        What its report says.
    """
    lines = [line for database in databases if database.exists for line in _keep(database, test, root)]
    return "\n".join(lines) or "no database was kept: the test left none that differs from its baseline"


def _keep(database: WorkerDatabase, test: str, root: Path) -> list[str]:
    try:
        if not database.dirty():
            return []
        return [_said(database.keep(test, root / FOLDER))]
    except Exception as error:  # of drivers and file systems too
        return [f"the database {database.name!r} was not kept: {error}"]


def _said(kept: Kept) -> str:
    text = f"kept as {kept.name}: {masked(kept.url)}"
    return f"{text}\n{kept.how}" if kept.how else text
