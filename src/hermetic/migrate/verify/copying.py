"""Copy a repository for a run of its tests: what git knows and what it does not, environments and caches aside.

What git keeps of itself is left out, the file `.git` of a submodule too: by it a test that commits would do so in the
repository of the user. Links stay links. One that leads into the repository leads into the copy then, one that leads
out of it still does; what is rewritten is put in place of a link, never through it.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from hermetic.source.sources import is_environment

LEFT_OUT = frozenset(
    {
        ".git",
        ".hg",
        ".hypothesis",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        "__pycache__",
        "__pypackages__",
        "node_modules",
    }
)
CACHE = "CACHEDIR.TAG"
"""The file in a folder that says that it is a cache, by the Cache Directory Tagging Specification."""


def copy_tree(source: Path, target: Path) -> list[str]:
    """Copy a folder.

    Args:
        source: The folder, with links resolved.
        target: The copy, which is not there yet.

    Returns:
        What could not be copied, and why, in a sentence each.

    Raises:
        OSError: There is no room, or the copy itself cannot be written.
    """
    notes: list[str] = []
    target.mkdir(parents=True)
    for entry in _entries(source, notes):
        copy = target / Path(entry.path).relative_to(source)
        if entry.is_symlink():
            copy.symlink_to(_led(Path(entry.path), source, target))
        elif entry.is_dir():
            copy.mkdir()
        elif entry.is_file():
            _copy_file(Path(entry.path), copy, notes)
    return notes


def stamps(source: Path) -> dict[Path, tuple[int, int]]:
    """Return the size of each file that is copied, and when it was written, by which a change of it is seen."""
    found: dict[Path, tuple[int, int]] = {}
    for entry in _entries(source, []):
        if entry.is_file(follow_symlinks=False):
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                found[Path(entry.path)] = status.st_size, status.st_mtime_ns
    return found


def put(changes: Mapping[Path, bytes], source: Path, target: Path) -> None:
    """Put what becomes of some files of a folder into its copy."""
    for file, data in changes.items():
        copy = target / file.relative_to(source)
        mode = stat.S_IMODE(copy.stat().st_mode) if copy.exists() else 0o644
        copy.unlink(missing_ok=True)
        copy.write_bytes(data)
        copy.chmod(mode)


def remove_tree(folder: Path) -> None:
    """Remove a folder, though the tests in it have made folders read-only."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            place = os.path.join(parent, name)
            if not os.path.islink(place) and not os.access(place, os.W_OK | os.X_OK):
                os.chmod(place, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def is_left_out(folder: Path) -> bool:
    """Whether a folder holds what is made anew when it is missing, or is no part of the project: an environment."""
    return folder.name in LEFT_OUT or is_environment(folder) or os.path.exists(folder / CACHE)


def _entries(source: Path, notes: list[str]) -> Iterator[os.DirEntry[str]]:
    """Yield what is copied of a folder: each folder before what is in it."""
    waiting = [source]
    while waiting:
        here = waiting.pop()
        if not os.access(here, os.R_OK | os.X_OK):
            notes.append(f"{here} was not copied: it cannot be read")
            continue
        with os.scandir(here) as found:
            for entry in found:
                is_folder = entry.is_dir(follow_symlinks=False)
                if entry.name in LEFT_OUT or (is_folder and is_left_out(Path(entry.path))):
                    continue
                yield entry
                if is_folder:
                    waiting.append(Path(entry.path))


def _copy_file(file: Path, copy: Path, notes: list[str]) -> None:
    if os.access(file, os.R_OK):
        shutil.copy2(file, copy)
    else:
        notes.append(f"{file} was not copied: it cannot be read")


def _led(link: Path, source: Path, target: Path) -> Path:
    """Return where the copy of a link leads."""
    written = Path(os.readlink(link))
    aim = Path(os.path.normpath(link.parent / written))
    if not aim.is_relative_to(source):
        return aim
    return target / aim.relative_to(source) if written.is_absolute() else written
