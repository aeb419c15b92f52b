"""The settings of async runners as configuration files have them: with their lines, and those that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hermetic.code import Location
from hermetic.explain.runner import KEYS, Ignored, Setting
from hermetic.explain.written_settings import (
    FILES,
    Written,
    is_of_another_file,
    key_meant_by,
    sections_of,
    written,
)


def settings_in(path: Path) -> dict[str, Setting]:
    """Return the runner's settings of a configuration file, with their lines."""
    sections = sections_of(path)
    return {
        each.key: _setting(each, path)
        for each in written(path)
        if each.key in KEYS and each.section in sections
    }


def _setting(line: Written, path: Path) -> Setting:
    return Setting(line.value, Location(str(path), line.line, ""))


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
    for each in written(path):
        meant = key_meant_by(each.key, KEYS)
        is_read = each.section in sections_of(path) and each.key not in KEYS
        if meant and is_read and not _is_known(config, each.key):
            why = f"spelt {each.key}, which is no key that anybody reads"
            yield Ignored(str(path), {meant: _setting(each, path)}, why)


def _is_known(config: pytest.Config, key: str) -> bool:
    with suppress(KeyError, ValueError):
        config.getini(key)
        return True
    return False


def _in_another_section(path: Path) -> Iterator[Ignored]:
    """Give what stands in a section that pytest reads in files of another name only."""
    found: dict[str, dict[str, Setting]] = {}
    for each in written(path):
        if each.key in KEYS and is_of_another_file(each.section, path):
            found.setdefault(each.section, {})[each.key] = _setting(each, path)
    for section, settings in found.items():
        right = f"[{sections_of(path)[-1]}]"
        why = f"under [{section}], where pytest reads {right} in a file of this name"
        yield Ignored(str(path), settings, why, f", under {right}")
