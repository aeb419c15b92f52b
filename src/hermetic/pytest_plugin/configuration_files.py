"""The settings of async runners as configuration files have them: with their lines, and those that nobody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from hermetic.code import Location
from hermetic.explain.runner import KEYS, Ignored, Setting

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
_OTHERWISE = ("pytest", "toolpytest", "toolpytestinioptions")
"""The sections of all these files, without what stands between their words."""


class _Line(NamedTuple):
    section: str
    key: str
    setting: Setting


def settings_in(path: Path) -> dict[str, Setting]:
    """Return the runner's settings of a configuration file, with their lines."""
    sections = _sections_of(path)
    return {each.key: each.setting for each in _lines(path) if each.key in KEYS and each.section in sections}


def ignored(config: pytest.Config, folder: Path) -> Iterator[Ignored]:
    """Give what pytest does not read: beside the file that it reads, in it, and in the folders from there to one."""
    root = config.inipath.parent if config.inipath else config.rootpath
    folders = [each for each in (folder, *folder.parents) if each.is_relative_to(root)] or [root]
    for each in folders[::-1]:
        for path in (each / name for name in FILES if (each / name).is_file()):
            if path == config.inipath:
                yield from _misspelt(config, path)
            elif found := settings_in(path):
                yield Ignored(str(path), found)
            yield from _in_another_section(path)


def _misspelt(config: pytest.Config, path: Path) -> Iterator[Ignored]:
    """Give the keys that nobody has registered, and that are spelt much like one of a runner."""
    from difflib import get_close_matches  # not above: a run without failures does without

    for section, key, setting in _lines(path):
        meant = key.lower().replace("-", "_")
        near = get_close_matches(meant, KEYS, 1, LIKE)
        if near and key not in KEYS and section in _sections_of(path) and not _is_known(config, key):
            yield Ignored(str(path), {near[0]: setting}, f"spelt {key}, which is no key that anybody reads")


def _is_known(config: pytest.Config, key: str) -> bool:
    with suppress(KeyError, ValueError):
        config.getini(key)
        return True
    return False


def _in_another_section(path: Path) -> Iterator[Ignored]:
    """Give what stands in a section that pytest reads in files of another name only."""
    sections = _sections_of(path)
    found: dict[str, dict[str, Setting]] = {}
    for section, key, setting in _lines(path):
        is_meant = re.sub(r"[\W_]+", "", section) in _OTHERWISE and section not in sections
        if is_meant and key in KEYS:
            found.setdefault(section, {})[key] = setting
    for section, settings in found.items():
        right = f"[{sections[-1]}]"
        why = f"under [{section}], where pytest reads {right} in a file of this name"
        yield Ignored(str(path), settings, why, f", under {right}")


def _sections_of(path: Path) -> tuple[str, ...]:
    return FILES.get(path.name, ("pytest", "tool:pytest"))  # another name: one that -c gives


def _lines(path: Path) -> Iterator[_Line]:
    section = ""
    for number, line in enumerate(_text_of(path).splitlines(), 1):
        header, setting = _HEADER.match(line), _LINE.match(line)
        if header is not None:
            section = header[1].strip()
        elif setting is not None:
            yield _Line(section, setting[1], Setting(setting[2], Location(str(path), number, "")))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
