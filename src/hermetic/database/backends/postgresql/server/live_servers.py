"""The servers of runs that live now: found by their homes, without asking any of them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from hermetic.database import folders
from hermetic.database.backends.postgresql.server import run_dir
from hermetic.database.stored import Running


def running(further: Iterable[Path] = ()) -> list[Running]:
    """Return this user's, without those of this process.

    Args:
        further: Directories of ``hermetic_directory``, beside those where homes are made when nobody says.
    """
    parents = dict.fromkeys([folders.MEMORY, Path(tempfile.gettempdir()), *further])
    found = [home for parent in parents for home in sorted(parent.glob(f"{folders.prefix()}pg-*"))]
    others = [home for home in found if folders.is_ours(home) and not run_dir.holds(home)]
    return [one for home in others if not run_dir.is_dead(home) for one in _read(home)]


def _read(home: Path) -> list[Running]:
    try:
        said = (home / "alive").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []  # it has just ended
    match = re.match(r"process (\d+) (.*)", said)
    return [Running(home, int(match[1]), match[2].strip())] if match else []
