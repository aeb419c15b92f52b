"""What a run says of its PostgreSQL server: which one it will be, and once it was used, what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.settings import Settings

if TYPE_CHECKING:
    from hermetic.database.backends.postgresql.server import Facts
    from hermetic.database.backends.postgresql.server.declared_version import Named
    from hermetic.database.backends.postgresql.server.describe import Announced
    from hermetic.database.backends.postgresql.worker_databases import PostgresqlServer


def announcement(settings: Settings, root: Path) -> list[str]:
    """Return the header's lines: nothing is started for them."""
    from hermetic.database.backends.postgresql.server.declared_version import named_version
    from hermetic.database.backends.postgresql.server.describe import announced

    return announced_lines(
        announced(settings.postgresql or "auto"), named_version(settings.postgresql_version, root)
    )


def announced_lines(server: Announced | None, named: Named | None) -> list[str]:
    """Return the lines for a server that is not started."""
    from hermetic.database.backends.postgresql.server.declared_version import mismatch

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
    from hermetic.database.backends.postgresql.server.declared_version import mismatch

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
    from hermetic.database.backends.postgresql.server.declared_version import named_version

    host = server.host
    if host.facts is None:
        return []
    named = named_version(settings.postgresql_version, root)
    return [*facts_lines(host.facts, host.instance.administrator, named), *host.roles.left, *server.made.left]
