"""The lines of ``hermetic db list``, by pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hermetic.cli.db.survey import Survey
from hermetic.database.stored import Entry


def as_text(survey: Survey) -> Iterator[str]:
    """Yield a line for each thing: its kind, its name, its size, since when, whose."""
    for entry in survey.templates:
        yield _line("template", entry, "built", "project")
    for entry in (*survey.kept, *survey.files):
        yield _line("kept", entry, "kept", "test")
    for server in survey.servers:
        yield f"server    {server.home}  process {server.process}  {server.label}".rstrip()


def as_json(survey: Survey) -> Iterator[str]:
    """Yield one document."""
    document = {
        "templates": [_plain(entry) for entry in survey.templates],
        "kept": [_plain(entry) for entry in (*survey.kept, *survey.files)],
        "servers": [
            {"home": str(server.home), "process": server.process, "label": server.label}
            for server in survey.servers
        ],
    }
    yield json.dumps(document, indent=2)


def talk(survey: Survey) -> Iterator[str]:
    """Yield what to do next, if there is something to do."""
    if not (survey.templates or survey.kept or survey.files or survey.servers):
        yield "nothing is kept, and no server runs"
    if survey.kept:
        yield "to look at them: hermetic db start"


def size(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e6:.1f} MB"


def _line(kind: str, entry: Entry, since: str, whose: str) -> str:
    when = f"{since} {entry.note.get(since, 'some time ago')}"
    return f"{kind:<9} {entry.name}  {size(entry.size)}  {when}  {entry.note.get(whose, '')}".rstrip()


def _plain(entry: Entry) -> dict[str, Any]:
    return {"name": entry.name, "bytes": entry.size, **entry.note}
