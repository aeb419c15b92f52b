"""Which major version of PostgreSQL a project names: by its setting, else by the image that it runs elsewhere.

Tests on another major version than production's are tests of something else, and nobody notices. Images are read with
a regular expression and not as YAML: a reader of YAML is a dependency, and anchors, matrices and variables are left
alone either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KEY = "hermetic_postgresql_version"
PATTERNS = ("compose*.y*ml", "docker-compose*.y*ml", ".github/workflows/*.y*ml")
IMAGE = re.compile(
    r"""^\s*(?:-\s*)?image\s*:\s*["']?
    (?P<image>(?:[\w.-]+(?::\d+)?/)*(?:postgres|postgresql|postgis|pgvector|timescaledb)
    :(?:[a-z]+-)?(?:pg)?(?P<major>\d+)[\w.-]*)""",
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True)
class Named:
    """A version that the project names.

    Attributes:
        major: The major version.
        where: What names it, and where.
    """

    major: int
    where: str


def named_version(setting: str | None, root: Path) -> Named | None:
    """Return the version that a project names.

    Args:
        setting: The value of ``hermetic_postgresql_version``.
        root: The project's folder; files of the repository above it count too.
    """
    if setting is not None:
        return Named(int(setting), KEY)
    return next((named for folder in _folders(root) for named in _images(folder, root)), None)


def mismatch(serving: int | None, named: Named | None) -> str | None:
    """Return the warning for tests that run on another major version than the project names."""
    if serving is None or named is None or serving == named.major:
        return None
    return (
        f"warning: the tests run on PostgreSQL {serving}, but {named.where} says {named.major};"
        " hermetic_postgresql = /path/to/bin or a URL brings another server"
    )


def _folders(root: Path) -> Iterator[Path]:
    """Yield the root and, inside a repository, what is above it up to its top."""
    places = [root, *root.parents]
    top = next((place for place in places if (place / ".git").exists()), root)
    yield from places[: places.index(top) + 1]


def _images(folder: Path, root: Path) -> Iterator[Named]:
    for path in (path for pattern in PATTERNS for path in sorted(folder.glob(pattern))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for match in IMAGE.finditer(text):
            line = text.count("\n", 0, match.start("image")) + 1
            name = path.relative_to(root) if path.is_relative_to(root) else path
            yield Named(int(match["major"]), f"{name}:{line} ({match['image']})")
