"""Refuse what an application could do to the world while it is tried: connect, open a database, start a process.

Its engines and database drivers are led nowhere, in the very places that lead them to worker databases in a run. What
goes past those is heard of by an audit hook, which Python calls before it acts. A library written in C that speaks to
the network itself, and is none of the drivers that hermetic knows, tells nobody: it is outside.
"""

from __future__ import annotations

import _posixsubprocess
import atexit
import errno
import ipaddress
import os
import shlex
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar

from sqlalchemy.engine import Dialect

from hermetic.cli.init.trial.lines import chain_of, line_at_work
from hermetic.cli.init.trial.outcome import Kind, Line, Refused
from hermetic.database.backend import every_backend
from hermetic.database.engines.destinations import Refusal
from hermetic.errors import ContainmentError

E = TypeVar("E", bound=Exception)
WHY = "hermetic init --try opens no connection and starts no process"


class Refusals:
    """What was refused, and by which errors.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._noted: list[tuple[BaseException, Refused]] = []
        self._exempt: int | None = None

    def listen(self) -> None:
        """Refuse from now on; only what was registered before for the exit of the process may then do as it likes."""
        sys.addaudithook(self.hear)
        # multiprocessing calls this to spawn a process, and no event tells.
        setattr(_posixsubprocess, "fork_exec", self._refuse_to_spawn)  # noqa: B010
        atexit.register(self.exempt_this_thread)

    def note(self, error: E, kind: Kind, what: str, destination: str = "") -> E:
        """Remember what is refused, and return the error that refuses it."""
        self._noted.append((error, Refused(kind, what, line_at_work(self._root), destination)))
        return error

    def all(self) -> tuple[Refused, ...]:
        """Return what was refused, each once, in order."""
        return tuple(dict.fromkeys(refused for _, refused in self._noted))

    def behind(self, error: BaseException) -> Refused | None:
        """Return the refusal that led to an error, if one did."""
        chain = chain_of(error)
        return next((refused for noted, refused in self._noted if noted in chain), None)

    def at(self, line: Line) -> Refused | None:
        """Return what was refused last at a line: a library may say in an error of its own that it failed."""
        return next((refused for _, refused in reversed(self._noted) if refused.line == line), None)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse what an audit event is about to do, if it is of those."""
        handler = _HANDLERS.get(event)
        if handler is not None and self._exempt != threading.get_ident():
            handler(self, *arguments)

    def _refuse_to_spawn(self, command: Sequence[bytes], *others: Any) -> None:
        _start(self, command)

    def exempt_this_thread(self) -> None:
        """Refuse nothing to the current thread any more."""
        self._exempt = threading.get_ident()


@dataclass(frozen=True, kw_only=True)
class Nowhere(Refusal):
    """Where the engines and drivers of a trial go.

    Attributes:
        note: Remembers who asked, and returns the error.
    """

    note: Callable[[ContainmentError, Kind], ContainmentError]

    def open(self, dialect: Dialect, args: Sequence[Any], params: dict[str, Any]) -> NoReturn:
        """Refuse an engine."""
        raise self.note(ContainmentError(WHY), "engine")

    def reach(self, user: str | None) -> NoReturn:
        """Refuse a driver of the project's own."""
        raise self.note(ContainmentError(WHY), "driver")


Handler = Callable[..., None]
"""Called with the refusals and the arguments of an audit event."""


def _connect(refusals: Refusals, socket: Any, address: Any) -> None:
    raise refusals.note(_unreachable(), "socket", _shown(address))


def _look_up(refusals: Refusals, host: Any, port: Any, *others: Any) -> None:
    """Refuse to ask for a name that is to be connected to: the question alone may wait for half a minute."""
    if port and not _is_address(host):
        raise refusals.note(_unreachable(), "socket", _shown((host, port)))


def _open_file(refuse: Callable[[str], Exception], refusals: Refusals, database: Any) -> None:
    raise refusals.note(refuse(WHY), "file", _shown(database))


def _execute(refusals: Refusals, path: Any, words: Any, *others: Any) -> None:
    _start(refusals, words)


def _start(refusals: Refusals, words: Any) -> None:
    text = _shown(words) if isinstance(words, str | bytes | os.PathLike) else shlex.join(map(_shown, words))
    raise refusals.note(PermissionError(errno.EPERM, WHY), "process", text)


def _is_address(host: Any) -> bool:
    """Whether no name server needs to be asked for a host."""
    try:
        return not host or os.fsdecode(host) == "localhost" or bool(ipaddress.ip_address(os.fsdecode(host)))
    except ValueError:
        return False


def _unreachable() -> ConnectionRefusedError:
    """What a server that is not there leads to, for which an application may be prepared."""
    return ConnectionRefusedError(errno.ECONNREFUSED, WHY)


def _shown(what: Any) -> str:
    """Return an address, a path or a word as text."""
    if isinstance(what, tuple):
        return ":".join(map(_shown, what[:2]))
    return os.fsdecode(what) if isinstance(what, str | bytes | os.PathLike) else str(what)


_HANDLERS: Mapping[str, Handler] = {
    "socket.connect": _connect,
    "socket.sendto": _connect,
    "socket.getaddrinfo": _look_up,
    **{
        event: partial(_open_file, refuse)
        for backend in every_backend()
        for event, refuse in backend.openings().items()
    },
    "subprocess.Popen": _execute,
    "os.system": _start,
    "os.exec": _execute,
    "os.posix_spawn": _execute,
}
