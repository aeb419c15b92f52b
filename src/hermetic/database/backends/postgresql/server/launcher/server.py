"""One ``postgres`` process: its settings, its start, its end.

Settings: nothing of a test database outlives its run, so nothing is made durable. What else was measured, on
PostgreSQL 18: from exec to ready 25-50 ms; ``io_method=sync`` and no autovacuum make it five processes fewer, so an
immediate shutdown takes 5-10 ms. ``dynamic_shared_memory_type=mmap`` keeps those segments in the data directory, where
they go with it; as POSIX ones they stay in ``/dev/shm`` for ever after ``kill -9``, and count against its 64 MB in a
container. ``max_wal_size`` is small since the WAL lies in memory; without full pages and fsync checkpoints are cheap.
Autovacuum is off: it would compete with tests for locks and for the processor at random; whoever restores vacuums.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence

from . import files
from .account import Account, become
from .cluster import StartError

PR_SET_PDEATHSIG = 1
IPC_RMID = 0
STEP = 0.002

SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1d",
    "max_wal_size": "128MB",
    "min_wal_size": "2MB",
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "256",
    "max_logical_replication_workers": "0",
    "dynamic_shared_memory_type": "mmap",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_destination": "stderr",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Server:
    """A ``postgres`` process that is our child.

    Args:
        home: The run's directory; ``home/log`` gets what the server says.
        socket: The directory of its Unix socket; empty for TCP on the loopback.
        port: Its port; also names the socket.
        max_connections: How many may be open at once.
    """

    def __init__(self, home: str, socket: str, port: int, max_connections: int) -> None:
        self.data = f"{home}/data"
        self.pid = 0
        self.status: int | None = None
        self._log = f"{home}/log"
        self._socket = socket
        self._port = port
        self._max_connections = max_connections

    def command(self, binaries: str, major: int) -> list[str]:
        """Return the command line."""
        settings = {
            **SETTINGS,
            "port": str(self._port),
            "max_connections": str(self._max_connections),
            "unix_socket_directories": self._socket,
            "listen_addresses": "" if self._socket else "127.0.0.1",
        }
        if major >= 18:
            settings["io_method"] = "sync"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [f"{binaries}/postgres", "-D", self.data, *options]

    def start(self, command: list[str], who: Account, limit: float) -> None:
        """Start it and wait until it accepts connections.

        Raises:
            StartError: It ended, or did not answer within ``limit`` seconds.
        """
        self.pid = _spawn(command, who, self._log)
        for _ in range(int(limit / STEP)):
            if self.poll() is not None:
                raise StartError(f"the server ended as soon as it was started: {describe(self.status)}")
            if self._ready():
                return
            time.sleep(STEP)
        self.stop(signal.SIGQUIT)
        raise StartError(f"the server did not accept connections within {limit:g} s")

    def poll(self) -> int | None:
        """Reap it if it ended; return how, or None while it runs."""
        if self.status is None and self.pid:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._ended(status)
        return self.status

    def stop(self, how: signal.Signals, limit: float = 30) -> bool:
        """End it: SIGQUIT at once, SIGINT with a checkpoint. Return whether it ended in good order."""
        if not self.pid or self.poll() is not None:
            return False
        os.kill(self.pid, how)
        for _ in range(int(limit / STEP)):
            if self.poll() is not None:
                return self.status == 0
            time.sleep(STEP)
        os.kill(self.pid, signal.SIGKILL)
        self._ended(os.waitpid(self.pid, 0)[1])
        return False

    def _ready(self) -> bool:
        """Whether its own pid file says so, which is how pg_ctl knows."""
        lines = (files.read(f"{self.data}/postmaster.pid") or "").splitlines()
        return len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.pid)

    def _ended(self, status: int) -> None:
        self.status = status
        lines = (files.read(f"{self.data}/postmaster.pid") or "").splitlines()
        if len(lines) > 6 and len(words := lines[6].split()) == 2:
            # It had no time to remove the 56 bytes of System V memory that guard its data directory.
            ctypes.CDLL(None).shmctl(int(words[1]), IPC_RMID, None)


def _spawn(command: list[str], who: Account, log: str) -> int:
    """Start it as a child that dies with us."""
    library = ctypes.CDLL(None)
    us = os.getpid()
    child = os.fork()
    if child:
        return child
    try:  # pragma: no cover - the forked child, which no coverage sees
        said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_DFL)
        become(who)
        if sys.platform == "linux":  # after the change of user, which clears it
            library.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PG", "LC_", "LANG")) and name != "LD_PRELOAD"
        }
        if os.getppid() == us:
            os.execve(command[0], command, {**environ, "LC_ALL": "C"})
    except OSError as error:  # pragma: no cover - the forked child
        print(f"hermetic: {command[0]} cannot be executed: {error}", file=sys.stderr, flush=True)
    finally:  # pragma: no cover - the forked child
        os._exit(127)


def drop_databases(binaries: str, socket: str, port: int, kept: Sequence[str]) -> bool:
    """Drop all databases whose name starts with none of ``kept``, whoever uses them; return whether all went well.

    Done by ``psql`` while the server runs: the processes that made them may have been killed, so nobody else would.
    """
    import subprocess

    patterns = ", ".join("'" + prefix.replace("_", "\\_") + "%'" for prefix in kept)
    dropped = (
        f"datname NOT IN ('postgres', 'template0', 'template1') AND datname NOT LIKE ALL (ARRAY[{patterns}])"
    )
    script = (
        "SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database "
        f"WHERE datistemplate AND {dropped} \\gexec\n"
        f"SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE {dropped} \\gexec\n"
    )
    command = [f"{binaries}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", socket or "127.0.0.1"]
    command += ["-p", str(port), "-U", "hermetic_admin", "-d", "postgres", "-f", "-"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    try:
        done = subprocess.run(command, input=script, text=True, stdout=sys.stderr, env=environ, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"hermetic: psql: {error}", file=sys.stderr, flush=True)
        return False
    return done.returncode == 0


def describe(status: int | None) -> str:
    """Return how a process ended, for people."""
    if status is None:
        return "still running"
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit status {os.WEXITSTATUS(status)}"
