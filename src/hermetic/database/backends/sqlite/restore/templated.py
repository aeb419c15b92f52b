"""Filling a database of SQLite from a template, and keeping one; see ``hermetic.database.templates``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hermetic.database.backends.sqlite.restore.snapshot import Blocked, copy
from hermetic.database.backends.sqlite.template_files import TemplateFiles
from hermetic.database.passing import free
from hermetic.database.templates import Damaged, Note, NoTemplate, Template

Patiently = Callable[[Callable[[float], Any]], Any]
"""Copies pages, with so many seconds for the locks of others."""


class Templated:
    """What one database can do with templates; see ``hermetic.database.templates.Fillable``.

    Args:
        live: A connection to it.
        templates: Where they are.
        patiently: Waits for the locks of others.
    """

    def __init__(self, live: sqlite3.Connection, templates: TemplateFiles, patiently: Patiently) -> None:
        self._live = live
        self._templates = templates
        self._patiently = patiently

    def template_locked(self, key: str) -> AbstractContextManager[None]:
        """Let one process of all that share the cache build a template at a time."""
        return self._templates.exclusively()

    def find_template(self, key: str) -> Template | None:
        """Return the template that it can become a copy of."""
        found = self._templates.find(key)
        if found is None:
            return None
        path, note = found
        built = str(note.get("built", "some time ago"))
        return Template(
            built, self._templates.is_of_this_run(note), note, partial(self._become_copy_of, path)
        )

    def _become_copy_of(self, path: Path) -> None:
        uri = f"file:{quote(str(path))}?mode=ro&immutable=1"  # nothing is written where it is, no lock either
        try:
            with free(), closing(sqlite3.connect(uri, uri=True)) as template:
                self._patiently(partial(copy, template, self._live))
        except (sqlite3.Error, Blocked) as error:
            raise Damaged(f"{path} could not be copied: {error}") from error

    def keep_template(self, key: str, note: Note) -> None:
        """Keep it as a template; raise ``NoTemplate`` where somebody is in the way."""
        try:
            self._templates.keep(key, note, lambda target: self._patiently(partial(copy, self._live, target)))
        except Blocked:
            raise NoTemplate("somebody else has a write transaction open in it") from None
