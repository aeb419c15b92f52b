"""What a template was built from, beyond what its fingerprint tells: noted with it, and looked at before it is reused.

A fingerprint must be told before anything is built, so that it knows what settings name: the migrations' folder, and
not the CSV file that one of them reads. Whoever has built knows that, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from os.path import relpath
from pathlib import Path
from typing import Any

from hermetic.database.schema.imports import with_imports
from hermetic.database.schema.reading import SKIPPED, Reading, is_the_projects, written

SHOWN = 3


def note_of(
    reading: Reading, known: Iterable[Path], root: Path, doubts: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what to note of a build.

    Args:
        reading: What it read.
        known: Files and folders that the fingerprint tells.
        root: The project's folder.
        doubts: Why what it made is for this run only, if it is.

    Returns:
        ``files``: by its path below ``root`` each file and folder, with a short name for what it holds;
        ``doubts``. Nothing where there is nothing to note.
    """
    places = list(known)
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    # A module counts where something uses it: the first import of one may bring all of an application.
    read = {path: at for path, at in reading.of_the_project(root).items() if str(path) not in loaded}
    sources = [*read, *(file for place in places for file in files_in(place))]
    imported = {
        path for path in with_imports(sources, root) if is_the_projects(path, root)
    } - reading.written()
    further = {path for path in imported | read.keys() if not any(path.is_relative_to(p) for p in places)}
    note: dict[str, Any] = {}
    if further:
        note["files"] = {relpath(path, root): _state_read(path, read) for path in sorted(further)}
    if said := list(doubts):
        note["doubts"] = said
    return note


def outdated(note: Mapping[str, Any], root: Path) -> str:
    """Return why a template with this note may be another one today; empty if it is the same."""
    if doubts := note.get("doubts"):
        return "; ".join(doubts)
    changed = [path for path, state in note.get("files", {}).items() if _state(root / path) != state]
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return f"{', '.join(changed[:SHOWN])}{more} changed" if changed else ""


def files_in(place: Path) -> list[Path]:
    """Return a file, or all that lie in a folder; a compiled one counts where it has no source."""
    if not place.is_dir():
        return [place] if place.is_file() else []
    return sorted(file for file in place.rglob("*") if file.is_file() and _counts(file, place))


def _counts(file: Path, place: Path) -> bool:
    if file.suffix != ".pyc":
        return is_the_projects(file, place)
    folder = file.parent.parent if file.parent.name == "__pycache__" else file.parent
    return not (folder / f"{file.name.partition('.')[0]}.py").exists()


def _state_read(path: Path, read: Mapping[Path, int | None]) -> str:
    """Return the state of what was read; of a file that was written since, one that no file has."""
    return _state(path) if path not in read or read[path] == written(path) else "written meanwhile"


def _state(path: Path) -> str:
    """Return a short name for what a file holds, or for the names in a folder; of what is not there an empty one."""
    try:
        if path.is_dir():
            names = [each.name for each in path.iterdir() if each.name not in SKIPPED]
            text = "\n".join(sorted(name for name in names if not name.startswith(".")))
            held = text.encode("utf-8", "surrogateescape")
        else:
            held = path.read_bytes()
    except OSError:
        return ""
    return sha256(held).hexdigest()[:12]
