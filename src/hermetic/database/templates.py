"""How a database is filled: as a copy of the template of its fingerprint, else by a build that is kept as one.

It is the same for each backend; where templates lie, and how they are copied, is theirs. Of several processes that want
the same template at once, one builds. What a process fills while it fills another database (an application's start-up
may open two) is a part of that build: it waits for no other process, which may wait for it, and is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from typing import Protocol

Build = Callable[[], Sequence[str] | None]
"""Makes tables and rows; returns the names of the other databases that it made or wrote, if there are any."""


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

    def copy_template(self, key: str) -> str | None:
        """Become a copy of the template of that key.

        Returns:
            When it was built, for people; None where there is none that counts.

        Raises:
            NoTemplate: What is there is not ours to read.
            Damaged: It is not as it was kept.
        """

    def keep_template(self, key: str) -> None:
        """Keep what the database holds now as the template of that key.

        Raises:
            NoTemplate: It could not be kept.
        """


_filling = Lock()


def fill(database: Fillable, key: Callable[[], str], build: Build) -> str:
    """Fill an empty database.

    Args:
        database: What is filled.
        key: Tells all that the contents depend on.
        build: Makes them.

    Returns:
        What there is to say of where they come from, for people.
    """
    if not _filling.acquire(blocking=False):
        build()
        return ""
    try:
        return _fill(database, key, build)
    finally:
        _filling.release()


def _fill(database: Fillable, key: Callable[[], str], build: Build) -> str:
    with ExitStack() as stack:
        damaged = ""
        try:
            found = key()
            stack.enter_context(database.template_locked(found))
            built = database.copy_template(found)
        except Damaged as error:
            damaged = f"; {error}"
            built = None
        except NoTemplate as error:
            build()
            return f"template: none, {error}"
        if built is not None:
            return f"template reused, built {built}"
        if others := build():
            return f"template: none, since what fills the database used others too: {', '.join(others)}"
        try:
            database.keep_template(found)
        except NoTemplate as error:
            return f"template built, and not kept: {error}"
        return f"template built (fingerprint {found}){damaged}"
