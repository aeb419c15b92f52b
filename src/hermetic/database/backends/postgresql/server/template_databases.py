"""Templates on a server: databases that stay for the next run, one for each fingerprint of what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hermetic.database.backends.postgresql.server import marks
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.instance import PREFIX, TEMPLATE
from hermetic.database.backends.postgresql.server.quoting import quoted

KEPT_TEMPLATES = 3
"""How many templates of one project stay: today's, and those of the branches that one goes back and forth between."""


def find(host: PostgresqlHost, fingerprint: str) -> str | None:
    """Return the name of the template of a fingerprint, if there is one that counts."""
    name = TEMPLATE + fingerprint
    if not host.exists(name):
        return None
    noted = note(host, name)
    if "built" not in noted:  # somebody else's, who calls it so
        return None
    if host.rebuild and not is_of_this_run(host, noted):
        return None
    if noted.get("source") != _source(host):
        return None
    host.used_templates.add(name)
    return name


def note(host: PostgresqlHost, template: str) -> dict[str, Any]:
    """Return what is noted of a template: when it was ``built``, by which ``run``, and what was given with it."""
    return marks.read(host.run, template)


def is_of_this_run(host: PostgresqlHost, noted: Mapping[str, Any]) -> bool:
    """Whether this run, in whatever process, built the template of that note."""
    return noted.get("run") == host.instance.run_id


def every(host: PostgresqlHost) -> list[tuple[str, dict[str, Any]]]:
    """Return the templates on a server with what is noted of each, the newest first."""
    query = f"SELECT datname, {marks.NOTED} FROM pg_database d WHERE datname ^@ %s"
    found = [(name, marks.noted(*noted)) for name, *noted in host.run(query, [TEMPLATE])]
    return sorted(found, key=lambda each: str(each[1].get("built", "")), reverse=True)


def keep(host: PostgresqlHost, database: str, fingerprint: str, inputs: Mapping[str, Any]) -> bool:
    """Copy a database to the template of a fingerprint, unless somebody stays connected to it.

    A database of that name without our mark is somebody else's, and stays.
    """
    from psycopg.errors import ObjectInUse

    name = TEMPLATE + fingerprint
    if host.exists(name) and not marks.read(host.run, name):
        return False
    try:
        _copy(host, database, name, f"{PREFIX}{host.instance.run_id}_{fingerprint}", inputs)
    except ObjectInUse:  # a poller of the application's, that connects again and again
        return False
    return True


def _copy(host: PostgresqlHost, database: str, name: str, unfinished: str, inputs: Mapping[str, Any]) -> None:
    """Copy a database under a name that goes with the run, and rename the copy once it is whole."""
    host.drop(unfinished)
    host.create(unfinished, host.owner_of(database), database)
    noted = {
        **inputs,
        "project": host.project,
        "built": datetime.now().astimezone().isoformat(" ", "seconds"),
        "run": host.instance.run_id,
        "source": _source(host),
    }
    marks.write(host.run, unfinished, noted)
    host.drop(name)
    host.rename(unfinished, name)
    host.used_templates.add(name)
    _forget_old(host)
    host.instance.keep()


def _source(host: PostgresqlHost) -> int | None:
    """Return what tells one ``hermetic_template_database`` from a later one of that name."""
    if host.template_database is None:
        return None
    rows = host.run("SELECT oid FROM pg_database WHERE datname = %s", [host.template_database])
    return int(rows[0][0]) if rows else None


def _forget_old(host: PostgresqlHost) -> None:
    """Drop what is older than the newest few, but for what this run uses: a project may have many databases."""
    mine = [name for name, noted in every(host) if "built" in noted and noted.get("project") == host.project]
    for name in [name for name in mine if name not in host.used_templates][KEPT_TEMPLATES:]:
        host.run(f"DROP DATABASE IF EXISTS {quoted(name)}")
