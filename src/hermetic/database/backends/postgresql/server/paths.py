"""Where things lie: a project's cluster, and the address of a server, which must be known before it is started."""

from __future__ import annotations

import os
import socket
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from hermetic.database.backends.postgresql.server.launcher import cluster
from hermetic.database.servers import run_dirs
from hermetic.database.servers.cache import cache_directory

PORT = 5432
LONGEST = 103
"""Bytes of a socket's path: macOS and the BSDs allow 103, Linux 107."""

SHORT = "/tmp"


class Address(NamedTuple):
    """Where a server listens.

    Attributes:
        socket: The directory of its Unix socket; empty for the loopback.
        port: Its port, which also names the socket.
    """

    socket: str
    port: int

    @property
    def target(self) -> str | tuple[str, int]:
        """What ``socket.connect`` takes."""
        return _socket_file(self.socket) if self.socket else ("127.0.0.1", self.port)


def address(home: Path, run_id: str) -> Address:
    """Return the address of a home's server: a socket in it, else one under /tmp, else a port of the loopback."""
    for directory in (str(home / "socket"), f"{SHORT}/{run_dirs.prefix()}s-{run_id}"):
        parent = os.path.dirname(directory)
        usable = directory.startswith(str(home)) or os.access(parent, os.W_OK | os.X_OK)
        if usable and len(os.fsencode(_socket_file(directory))) <= LONGEST:
            return Address(directory, PORT)
    with (
        socket.socket() as probe
    ):  # free now; somebody may take it before the server does, and then that is told
        probe.bind(("127.0.0.1", 0))
        return Address("", probe.getsockname()[1])


def _socket_file(directory: str) -> str:
    return f"{directory}/.s.PGSQL.{PORT}"


def project_cache(project: Path, binaries: Path) -> Path:
    """Return where a project's kept cluster lies, for these binaries."""
    text = f"{project.resolve()}\n{cluster.key(str(binaries))}"
    return cache_directory() / "projects" / f"{sha256(text.encode()).hexdigest()[:16]}.cluster"
