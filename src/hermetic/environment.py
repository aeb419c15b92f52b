"""The environment of a run: what ``hermetic_env`` sets, with the database's URL in the values that ask for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import URL


@dataclass(frozen=True)
class Given:
    """A variable that ``hermetic_env`` would give another value.

    Attributes:
        name: The variable.
        value: What it would be, passwords masked.
        url: The database that this means; None where it would be hermetic's own.
    """

    name: str
    value: str
    url: URL | None

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class Environment:
    """What ``hermetic_env`` sets, from ``start`` to ``stop``.

    Args:
        settings: The project's.
        root: The project's folder.
        url: Returns the URL of the application's database; asked for only where a value has a place for it.
    """

    def __init__(self, settings: Settings, root: Path, url: Callable[[], URL]) -> None:
        self._settings = settings
        self._root = root
        self._url = url
        self._before: dict[str, str] | None = None

    @property
    def hands_out_the_url(self) -> bool:
        """Whether some value has a place for the database's URL."""
        from hermetic.database.urls import PLACEHOLDERS

        return any(place in value for _, value in self._settings.env for place in PLACEHOLDERS)

    def start(self) -> None:
        """Set the variables, and put aside the one that no connection can be kept from."""
        from hermetic.database.backend import every_backend

        self._before = dict(os.environ)
        if self._settings.mode == "on":
            for backend in every_backend():
                backend.put_aside(os.environ)
            os.environ.update(self.variables())

    def stop(self) -> None:
        """Bring the environment back as it was, a variable at a time: other threads never see it empty."""
        assert self._before is not None, "the environment has not been set"
        for name in os.environ.keys() - self._before.keys():
            os.environ.pop(name, None)
        for name, value in self._before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value

    def variables(self) -> dict[str, str]:
        """Return the variables with their values, each URL in the form that its reader takes."""
        from hermetic.database.urls import filled

        return {name: filled(value, self._url, self._known(name)) for name, value in self._settings.env}

    def given(self, url: URL) -> Given | None:
        """Return the variable that somebody who made an engine of this URL has it from, as far as can be told.

        One that the project has set since the run began is its own affair: it would set it all the same.
        """
        from hermetic.database.urls import PLACEHOLDERS, parsed
        from hermetic.masking import masked

        for name, value in self._settings.env:
            known = self._known(name)
            if known is None or os.environ.get(name, known) != known or not _is_same(parsed(known), url):
                continue
            instead = parsed(value)
            if any(place in value for place in PLACEHOLDERS):
                return Given(name, value, None)
            if instead is not None and not _is_same(instead, url):
                return Given(name, masked(instead), instead)
        return None

    def changes(self) -> list[str]:
        """Return the variables that ``hermetic_env`` would give another value than they had, those unset marked."""
        before = self._before or os.environ
        changed = [name for name, value in self._settings.env if before.get(name) != value]
        return [name if name in before else f"{name} (unset now)" for name in changed]

    def texts(self) -> list[str]:
        """Return the values of all variables, and those of the project's ``.env``."""
        return [
            *(value for _, value in self._settings.env),
            *os.environ.values(),
            *_dotenv(self._root).values(),
        ]

    def urls(self) -> list[URL]:
        """Return the URLs of databases among the values.

        Those with a place for ours are left out, and one in memory that stands for several databases.
        """
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        from hermetic.database.address import address_of, in_memory_among, is_in_memory
        from hermetic.database.urls import PLACEHOLDERS

        values = [value for _, value in self._settings.env]
        in_memory = in_memory_among(values)
        found = []
        for value in values:
            if "://" in value and not any(place in value for place in PLACEHOLDERS):
                with suppress(ArgumentError, ValueError):
                    url = make_url(value)
                    if not is_in_memory(url) or address_of(url) in in_memory:
                        found.append(url)
        return found

    def backend(self) -> str | None:
        """Return what the application's database is, as far as that is said before it is imported."""
        from hermetic.database.backend import DEFAULT_BACKEND, backend_named_by
        from hermetic.database.urls import PLACEHOLDERS

        settings = self._settings
        if settings.named_backend:
            return settings.named_backend
        handed_out = {name for name, value in settings.env if any(place in value for place in PLACEHOLDERS)}
        urls = [self._known(name) if name in handed_out else value for name, value in settings.env]
        kinds = {found.name for url in urls if (found := backend_named_by(url)) is not None}
        fallback = DEFAULT_BACKEND if handed_out else None
        return next(iter(sorted(kinds - {DEFAULT_BACKEND})), fallback)

    def _known(self, name: str) -> str | None:
        """Return what a variable would be without us, from the shell or the project's ``.env``."""
        return (self._before or os.environ).get(name) or _dotenv(self._root).get(name)


def _is_same(first: URL | None, second: URL) -> bool:
    """Whether two URLs mean the same database, one in memory left out: every engine of such a URL has its own."""
    from hermetic.database.address import address_of, is_in_memory

    if first is None or is_in_memory(first):
        return False
    return address_of(first) == address_of(second)


def _dotenv(root: Path) -> dict[str, str]:
    """Return what a project's ``.env`` sets, as far as it is plain ``NAME=value``."""
    try:
        lines = (root / ".env").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return {}
    pairs = (
        line.removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip().strip("\"'") for name, found, value in pairs if found}
