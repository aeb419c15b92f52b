"""Keeping a copy of a failed test's database: a file, with a note of whose it is beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL

from hermetic.database.backends.sqlite.restore.copies import Blocked, copy
from hermetic.database.kept import PREFIX, Kept, NotKept, kept_name, noted, room_for

NOTE = ".json"
UNFINISHED = ".new"
PATIENCE = 2.0


def keep(live: sqlite3.Connection, test: str, folder: Path) -> Kept:
    """Copy what a connection's database holds now into a file.

    Args:
        live: The connection.
        test: Whose database it is.
        folder: Where kept files are; made if need be, with a ``.gitignore`` of its own above it.

    Raises:
        NotKept: There are too many already, or somebody holds a lock.
        OSError, sqlite3.Error: The file cannot be written. Whatever is raised, nothing is left of it.
    """
    for name in room_for(test, notes(folder)):
        forget(folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    name = kept_name(test)
    file = folder / f"{name}.db"
    try:
        with closing(sqlite3.connect(file)) as target:
            copy(live, target, PATIENCE)
        _note(file, noted(test, str(folder.parents[1])))
    except Blocked:
        forget(folder, name)
        raise NotKept("somebody who outlives the test holds a write transaction in it") from None
    except BaseException:
        forget(folder, name)
        raise
    return Kept(file.name, URL.create("sqlite", database=str(file)))


def _note(file: Path, note: Mapping[str, str]) -> None:
    """Write a file's note in one step: other workers, and ``hermetic db``, read it."""
    new = file.with_suffix(UNFINISHED)
    new.write_text(json.dumps(note), encoding="utf-8")
    new.replace(file.with_suffix(NOTE))


def notes(folder: Path) -> dict[str, dict[str, str]]:
    """Return what is noted of each kept file, by its name without the ending."""
    return {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob(f"{PREFIX}*{NOTE}"))
    }


def forget(folder: Path, name: str) -> None:
    """Remove a kept file and its note, whole or not."""
    for ending in (".db", NOTE, UNFINISHED):
        (folder / f"{name}{ending}").unlink(missing_ok=True)
