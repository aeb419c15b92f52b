"""How each project ended when somebody last recorded it: ``results.json``, kept with the repository."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from pathlib import Path

FILE = Path(__file__).with_name("results.json")


def read() -> dict[str, str]:
    """Return the recorded endings by name."""
    recorded: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return recorded


def write(endings: Mapping[str, str], known: Set[str]) -> None:
    """Record endings; a project that is gone is forgotten, except those beside a repository that has them not."""
    kept = {
        name: ending
        for name, ending in sorted(endings.items())
        if name in known or (name.startswith("given/") and not any(n.startswith("given/") for n in known))
    }
    FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
