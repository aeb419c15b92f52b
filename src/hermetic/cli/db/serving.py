"""``hermetic db start`` and ``stop``: a project's kept databases for psql or a GUI.

What is served is a copy of what is kept, in memory: whatever somebody does to it is gone when it ends.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time

from sqlalchemy import URL

from hermetic.cli.db.project import Project
from hermetic.cli.db.survey import databases, living
from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.drivers.libpq import dsn
from hermetic.database.backends.postgresql.server import Instance
from hermetic.database.backends.postgresql.server.binaries import Binaries
from hermetic.database.backends.postgresql.server.external import External
from hermetic.database.backends.postgresql.server.host import PostgresqlHost
from hermetic.database.backends.postgresql.server.places import Address
from hermetic.database.backends.postgresql.server.running import Running
from hermetic.errors import CommandError, ConfigurationError

COMMAND = "from hermetic.cli import main; raise SystemExit(main())"
STEP = 0.02


def start(project: Project, port: int | None, *, detached: bool = False) -> int:
    """Serve until a signal; print how to get there.

    Args:
        project: Whose databases.
        port: Of the loopback; a Unix socket where None.
        detached: Whether nobody reads on once the server is up.

    Raises:
        ConfigurationError: Nothing is kept, or the server does not start.
    """
    found = project.located()
    if isinstance(found, URL):
        external = External(found)
        try:
            _say(lines(project, external))
        finally:
            external.stop()
        return 0
    if not isinstance(found, Binaries) or project.cluster() is None:
        raise nothing_kept(project)
    from hermetic.database.backends.postgresql.server.embedded import Embedded

    where = Address("", port) if port is not None else None
    instance = Embedded(
        found, project=project.root, label=project.serves, directory=project.directory, where=where
    )
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # what stop sends is a Ctrl-C too
    try:
        _say(lines(project, instance))
        if detached:
            _fall_silent()
        else:
            print("serving a copy of them until Ctrl-C; what is changed in it is gone then", file=sys.stderr)
        wait()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        instance.stop()
    return 0


def lines(project: Project, instance: Instance) -> list[str]:
    """Return the URL of each database, and what to type to look at the latest one.

    Templates are named only where they are copies: a session in the real one keeps runs from using it.

    Raises:
        ConfigurationError: There is none, or the server does not start.
    """
    instance.start()
    host = PostgresqlHost(instance)
    templates, kept = databases(project, instance)
    found = [] if instance.is_shared else templates
    found += sorted(kept, key=lambda entry: str(entry.note.get("kept")))
    if not found:
        raise nothing_kept(project)
    urls = [dsn(host.url(entry.name, entry.owner)) for entry in found]
    named = [f"{url}  {entry.note.get('test', 'template')}" for url, entry in zip(urls, found, strict=True)]
    return [*named, f"psql {shlex.quote(urls[-1])}"]


def nothing_kept(project: Project) -> ConfigurationError:
    """Say that there is nothing to serve, and what makes it."""
    return CommandError(
        f"no PostgreSQL databases of {project.root} are kept.", hints=("pytest --hermetic-keep-failed",)
    )


def wait() -> None:
    """Wait until somebody interrupts us. Not in one go: a signal that comes just before a sleep does not end it."""
    while True:
        time.sleep(1)


def detach(project: Project, port: int | None) -> int:
    """Start a server that goes on when this process ends.

    Returns:
        The exit code: what the other process said is passed on.
    """
    words = [
        "db",
        "start",
        str(project.root),
        "--detached",
        *(["--port", str(port)] if port is not None else []),
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=variables.without(os.environ),
        start_new_session=True,
    )
    assert process.stdout is not None and process.stderr is not None
    with process.stdout, process.stderr:
        said, complaint = process.stdout.read(), process.stderr.read()
    sys.stdout.write(said)
    sys.stderr.write(complaint)
    if said:
        process.returncode = 0  # it lives on, and is not waited for
    return process.wait()


def stop(project: Project) -> list[Running]:
    """End the project's servers that ``start`` left; return them once they are gone."""
    mine = [server for server in living(project) if server.label == project.serves]
    for server in mine:
        os.kill(server.process, signal.SIGTERM)
    for server in mine:
        while server.home.exists():  # its launcher ends the server by force, if need be, and removes that
            time.sleep(STEP)
    return mine


def _say(what: list[str]) -> None:
    print(*what, sep="\n", flush=True)


def _fall_silent() -> None:
    """Let go of the streams, at whose end whoever started us knows that the server is up."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(silence, stream)
    os.close(silence)
