"""The home of a run: its directory, how its processes say that they live, where its server listens, and its removal.

The servers of runs that live now are found by their homes, without asking any of them.

A process of the run holds a shared lock on ``home/alive``, see ``launcher/files.py``.

Each process opens the file once and counts here. A child that pytest forks lets go of it at once, so that a forgotten
one keeps no server alive; it may hold the home itself.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from hermetic.database import folders
from hermetic.database.stored import Running

with suppress(ImportError):  # Windows, where no server is started
    from hermetic.database.backends.postgresql.server.launcher import files
    from hermetic.database.backends.postgresql.server.launcher.main import remove_home

PORT = 5432
LONGEST = 103
"""Bytes of a socket's path: macOS and the BSDs allow 103, Linux 107."""

SHORT = "/tmp"

STEPS = 1000  # of 2 ms

_mutex = RLock()
_held: dict[Path, tuple[int, int]] = {}  # home -> descriptor, how many instances


def make(home: Path, text: str) -> None:
    """Make a home and hold it; where another process of the run was faster, hold that one.

    It appears under its name only once it is held, so that nobody takes it for a dead run's.

    Args:
        home: The directory to make.
        text: What ``alive`` says, for people.
    """
    new = home.with_name(f".{home.name}.{os.getpid()}.new")
    with _mutex:
        try:
            held = _made(new, text)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        try:
            new.rename(home)
        except OSError:
            os.close(held)
            shutil.rmtree(new, ignore_errors=True)
            if not home.is_dir():
                raise
            hold(home)
            return
        _held[home] = held, 1


def _made(home: Path, text: str) -> int:
    """Make the directory with its lock; return the descriptor that holds it."""
    home.mkdir(mode=0o700)
    held = os.open(home / "alive", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        files.take(held, files.SHARED)
        os.write(held, text.encode())
        if os.getuid() == 0:
            home.chmod(0o711)  # the server's user must get to its own directories in it
    except OSError:
        os.close(held)
        raise
    return held


def hold(home: Path) -> bool:
    """Hold a home that exists; once more for each call. Return False where its run is just ending.

    Raises:
        FileNotFoundError: There is no such home.
    """
    with _mutex:
        if home in _held:
            held, count = _held[home]
            _held[home] = held, count + 1
            return True
        held = os.open(home / "alive", os.O_RDWR)
        if not files.take(held, files.SHARED):
            os.close(held)
            return False
        _held[home] = held, 1
        return True


def release(home: Path) -> bool:
    """Let go once; return whether nobody else holds the home now."""
    with _mutex:
        if home not in _held:
            return False
        held, count = _held[home]
        if count > 1:
            _held[home] = held, count - 1
            return False
        last = files.take(held, files.EXCLUSIVE)
        os.close(_held.pop(home)[0])
        return last


def holds(home: Path) -> bool:
    """Whether this process holds that home."""
    with _mutex:
        return home in _held


def is_dead(home: Path) -> bool:
    """Whether neither a process of that home's run nor its launcher lives."""
    return _is_free(home / "alive") and _is_free(home / "launcher", missing=True)


def has_launcher(home: Path) -> bool:
    """Whether a launcher is at work there."""
    return not _is_free(home / "launcher", missing=True)


@contextmanager
def watching(home: Path) -> Iterator[Callable[[], bool]]:
    """Watch the launcher of a home, which may go meanwhile; yields what tells whether its process has ended."""
    try:
        descriptor = os.open(home / "launcher", os.O_RDWR)
    except FileNotFoundError:
        yield lambda: True
        return
    try:
        yield lambda: files.take(descriptor, files.EXCLUSIVE)
    finally:
        os.close(descriptor)


def _is_free(path: Path, *, missing: bool = False) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return missing  # an "alive" that is missing is being made just now, or this is no home
    try:
        return files.is_free(descriptor)
    finally:
        os.close(descriptor)


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
    for directory in (str(home / "socket"), f"{SHORT}/{folders.prefix()}s-{run_id}"):
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


def remove_dead(parent: Path) -> list[Path]:
    """Remove the homes of dead runs under ``parent``; return them."""
    dead = folders.dead_homes(parent, f"{folders.prefix()}pg-*", is_dead)
    for home in dead:
        remove(home)
    return dead


def remove(home: Path) -> None:
    """End the server of a home whose launcher is gone, if it lives, and remove the home.

    On Linux the kernel has ended it with the launcher. Elsewhere nothing tells safely whether a pid is still its; it
    ends itself within a minute, when it finds its data directory gone.
    """
    pid = _server(home)
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)
    for _ in range(STEPS):
        if _server(home) is None:
            break
        time.sleep(0.002)
    remove_home(str(home))


def _server(home: Path) -> int | None:
    """Return the pid of the home's server; PostgreSQL stays in its data directory, so no other process is mistaken."""
    text = files.read(str(home / "data" / "postmaster.pid"))
    if not text:
        return None
    pid = text.splitlines()[0]
    try:
        lives = os.readlink(f"/proc/{pid}/cwd") == str((home / "data").resolve())
    except OSError:
        return None
    return int(pid) if lives else None


def _forget_parent() -> None:  # pragma: no cover - in a forked child, which no coverage sees
    """In a forked child nothing is held: the lock is the parent's as soon as the child's descriptor is closed."""
    global _mutex
    _mutex = RLock()  # the parent's may be another thread's, which is not here
    for descriptor, _ in _held.values():
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows
    os.register_at_fork(after_in_child=_forget_parent)


def running(further: Iterable[Path] = ()) -> list[Running]:
    """Return this user's, without those of this process.

    Args:
        further: Directories of ``hermetic_directory``, beside those where homes are made when nobody says.
    """
    parents = dict.fromkeys([folders.MEMORY, Path(tempfile.gettempdir()), *further])
    found = [home for parent in parents for home in sorted(parent.glob(f"{folders.prefix()}pg-*"))]
    others = [home for home in found if folders.is_ours(home) and not holds(home)]
    return [one for home in others if not is_dead(home) for one in _read(home)]


def _read(home: Path) -> list[Running]:
    try:
        said = (home / "alive").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []  # it has just ended
    match = re.match(r"process (\d+) (.*)", said)
    return [Running(home, int(match[1]), match[2].strip())] if match else []
