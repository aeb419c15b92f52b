"""The settings in pytest's configuration files as they are written, with their lines: those that nobody reads, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

FILES: Mapping[str, tuple[str, ...]] = {
    "pytest.toml": ("pytest",),
    ".pytest.toml": ("pytest",),
    "pytest.ini": ("pytest",),
    ".pytest.ini": ("pytest",),
    "pyproject.toml": ("tool.pytest", "tool.pytest.ini_options"),
    "tox.ini": ("pytest",),
    "setup.cfg": ("tool:pytest",),
}
"""The files in which pytest looks for its configuration, in its order, and the sections that it reads there."""

LIKE = 0.85
"""How like a key another one is that is taken for it misspelt, from 0 to 1."""

_HEADER = re.compile(r"\s*\[([^\]]+)\]")
_LINE = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*[=:]\s*[\"']?([\w-]+)")
_OTHERWISE = ("pytest", "toolpytest", "toolpytestinioptions", "pytestinioptions")
"""The sections of all these files, without what stands between their words."""


class Written(NamedTuple):
    """A line that sets something.

    Attributes:
        section: The section that it stands in.
        key: What it sets.
        value: The first word of what to.
        line: Its number, from 1.
    """

    section: str
    key: str
    value: str
    line: int


def written(path: Path) -> Iterator[Written]:
    """Give the lines of a file that set something; none of one that cannot be read."""
    section = ""
    for number, line in enumerate(_text_of(path).splitlines(), 1):
        header, setting = _HEADER.match(line), _LINE.match(line)
        if header is not None:
            section = header[1].strip()
        elif setting is not None:
            yield Written(section, setting[1], setting[2], number)


def sections_of(path: Path) -> tuple[str, ...]:
    """Return the sections that pytest reads in a file."""
    return FILES.get(path.name, ("pytest", "tool:pytest"))  # another name: one that -c gives


def is_of_another_file(section: str, path: Path) -> bool:
    """Whether a section is one that pytest reads in files of another name only."""
    return re.sub(r"[\W_]+", "", section) in _OTHERWISE and section not in sections_of(path)


def key_meant_by(key: str, keys: Iterable[str]) -> str:
    """Return the one of some keys that another one is much like; empty where that is none of them."""
    from difflib import get_close_matches  # not above: a run without failures does without

    return next(iter(get_close_matches(key.lower().replace("-", "_"), keys, 1, LIKE)), "")


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
