"""How a database is filled: as a copy of the template of its fingerprint, else by a build that is kept as one.

It is the same for each backend; where templates lie, and how they are copied, is theirs. Of several processes that want
the same template at once, one builds. What a process fills while it fills another database (an application's start-up
may open two) is a part of that build: it waits for no other process, which may wait for it, and is not kept.

Who decides that a database is filled imports no SQLAlchemy for that, and so nothing here does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol

Note = Mapping[str, Any]
"""What is noted with a template, and is JSON."""


@dataclass(frozen=True)
class Built:
    """What there is to say of a build.

    Attributes:
        others: The names of the other databases that it made or wrote.
        note: What it read, to be noted with a template of it.
    """

    others: Sequence[str] = ()
    note: Note = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A template that counts.

    Attributes:
        built: When it was built, for people.
        is_of_this_run: Whether this run has built it, in whatever process.
        note: What was noted with it.
        copy: Makes the database a copy of it; raises ``Damaged`` where it is not as it was kept.
    """

    built: str
    is_of_this_run: bool
    note: Note
    copy: Callable[[], None]


Build = Callable[[], Built]
"""Makes tables and rows."""

Outdated = Callable[[Note], str]
"""Tells by its note why a template may hold something else than a build would make now; empty if it holds the same."""


class Unfilled(Enum):
    """Why a build has filled nothing."""

    LEFT = auto()
    """The suite makes what is in the database. Whoever opens a connection asks again."""

    LATER = auto()
    """What it needs is being imported. Whoever uses a connection asks again: those of now are not kept in pools."""


class NoTemplate(Exception):
    """There can be no template; the text says why. Nobody sees it raised: the run's closing lines get the text."""


class Damaged(Exception):
    """The template that was there is not as it was kept, and is gone; the text says which. Another one is built."""


class Fillable(Protocol):
    """What a worker database can do with templates."""

    def template_locked(self, key: str) -> AbstractContextManager[None]:
        """Let one process at a time look for a template, copy it or build it.

        Raises:
            NoTemplate: It cannot be locked.
        """

    def find_template(self, key: str) -> Template | None:
        """Return the template of that key.

        Raises:
            NoTemplate: What is there is not ours to read.
            Damaged: It is not as it was kept.
        """

    def keep_template(self, key: str, note: Note) -> None:
        """Keep what the database holds now as the template of that key, in place of one that is there.

        Raises:
            NoTemplate: It could not be kept.
        """


_filling = Lock()


def fill(database: Fillable, key: Callable[[], str], build: Build, outdated: Outdated) -> str:
    """Fill an empty database.

    Args:
        database: What is filled.
        key: Tells what the contents depend on, as far as that is known before they are made.
        build: Makes them.
        outdated: Looks at what else they depend on; what a run has built itself is good for all of that run.

    Returns:
        What there is to say of where they come from, for people.
    """
    if not _filling.acquire(blocking=False):
        build()
        return ""
    try:
        return _fill(database, key, build, outdated)
    finally:
        _filling.release()


def _fill(database: Fillable, key: Callable[[], str], build: Build, outdated: Outdated) -> str:
    with ExitStack() as stack:
        try:
            found = key()
            stack.enter_context(database.template_locked(found))
            template = database.find_template(found)
            stale = outdated(template.note) if template and not template.is_of_this_run else ""
            if template and not stale:
                template.copy()
                return f"template reused, built {template.built}"
        except Damaged as error:
            stale = str(error)
        except NoTemplate as error:
            build()
            return f"template: none, {error}"
        built = build()
        if built.others:
            others = ", ".join(built.others)
            return f"template: none, since what fills the database used others too: {others}"
        try:
            database.keep_template(found, built.note)
        except NoTemplate as error:
            return f"template built, and not kept: {error}"
        if doubts := outdated(built.note):
            return f"template built for this run only: {doubts}"
        return f"template built (fingerprint {found}){f'; {stale}' if stale else ''}"


def digest(texts: Iterable[str]) -> str:
    """Return a short name for these texts, in this order."""
    hashed = sha256()
    for text in texts:
        hashed.update(text.encode("utf-8", "surrogatepass"))
        hashed.update(b"\0")
    return hashed.hexdigest()[:16]
