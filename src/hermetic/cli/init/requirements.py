"""Read what a project says it needs: the files in which dependencies are declared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "tox.ini")
PATTERNS = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in")


def read_requirements(directories: Iterable[Path]) -> str:
    """Return the text of the files in which dependencies are declared."""
    return "\n".join(
        read_loosely(path)
        for directory in dict.fromkeys(directories)
        for path in requirement_files(directory)
    )


def requirement_files(directory: Path) -> list[Path]:
    """List the files of a directory in which dependencies may be declared; not all of them need exist."""
    found = (path for pattern in PATTERNS for path in sorted(directory.glob(pattern)))
    return [*(directory / name for name in FILES), *found]


def read_loosely(path: Path) -> str:
    """Return a file's text, whatever its encoding; empty where there is none or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
