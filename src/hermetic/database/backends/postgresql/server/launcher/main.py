"""The launcher's way from its start to its end; see the package's docstring."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from typing import Any, NamedTuple, NoReturn

from . import files
from .account import Account, account, can, executable
from .cluster import StartError, fill, keep, locale_name, of_project
from .server import Server, drop_databases

UNREACHABLE = (
    "it runs as user {uid}, who cannot enter {home}; set hermetic_directory to a place that all can enter"
)
FULL = "the file system is full."


class Request(NamedTuple):
    """What is asked of the launcher; see ``Embedded`` for the meaning."""

    home: str
    binaries: str
    cache: str
    project: str
    socket: str
    port: int
    max_connections: int
    limit: float


def main(text: str) -> NoReturn:  # pragma: no cover - a process without site, where no coverage runs
    """Start a server, tell how that went on standard output, stay until the run is over, clean up."""
    request = Request(**json.loads(text))
    os.chdir("/")
    os.umask(0o077)
    if os.fork():
        os._exit(0)  # whoever started us need not wait, and the server's end is no business of theirs
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lock = os.open(f"{request.home}/launcher", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not is_first(lock):
        os._exit(0)  # another process of the run was faster, and its launcher reports
    server = Server(request.home, request.socket, request.port, request.max_connections)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        report(request, launch(request, server))
        signal.signal(signal.SIGCHLD, lambda *_: server.poll() and None)
        server.poll()  # it may have ended just before that
        wait_for_the_end(request.home)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        finish(request, server)
        os._exit(0)


def is_first(lock: int) -> bool:
    """Whether no other launcher is at work; not misled by somebody who looks at the lock just now."""
    for _ in range(25):
        if files.take(lock, files.EXCLUSIVE):
            return True
        time.sleep(0.002)
    return False


def launch(request: Request, server: Server) -> dict[str, object]:
    """Make the data directory and start the server; return what happened, as the report has it."""
    command: list[str] = []
    try:
        who = account()
        if not can(who, lambda: os.access(request.home, os.X_OK)):
            raise StartError(UNREACHABLE.format(uid=who.uid, home=request.home))
        binaries = executable(request.binaries, who, request.cache)
        version = fill(server.data, binaries, request.cache, _cluster(request), who)
        major = int(re.split(r"\D", version)[0])
        _make_socket_directory(request, who)
        command = server.command(binaries, major)
        server.start(command, who, request.limit)
    except (StartError, OSError) as error:
        files.remove(server.data)  # gives room for the report
        return {"error": str(error), "why": FULL if files.is_full(error) else "", "command": command}
    return {"version": version, "locale": locale_name(major), "binaries": binaries}


def _make_socket_directory(request: Request, who: Account) -> None:
    """Make ``home/socket``: a directory, or a link to a shorter one, which the end of the run finds by it."""
    if not request.socket:
        return
    os.mkdir(request.socket, 0o711)
    os.chown(request.socket, who.uid, who.gid)
    link = f"{request.home}/socket"
    if request.socket != link:
        os.symlink(request.socket, link)


def report(request: Request, what: dict[str, object]) -> None:
    """Tell every process of the run how the start went, and let go of the pipe of the one that asked."""
    files.write_whole(f"{request.home}/report", json.dumps(what))
    log = os.open(f"{request.home}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def wait_for_the_end(home: str) -> None:
    """Wait until no process of the run holds its lock; the kernel drops it however they end."""
    alive = os.open(f"{home}/alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    files.wait_for(alive)  # stays open: a late process is refused while the home goes


def finish(request: Request, server: Server) -> None:
    """End the server, keep its cluster if the run asked for that, remove the home."""
    wanted = files.read(f"{request.home}/keep")
    if wanted is None or server.poll() is not None:
        server.stop(signal.SIGQUIT)
    else:
        _keep(request, server, json.loads(wanted))
    remove_home(request.home)


def _keep(request: Request, server: Server, wanted: dict[str, Any]) -> None:
    dropped = drop_databases(wanted["binaries"], request.socket, request.port, wanted["kept"])
    if not server.stop(signal.SIGINT) or not dropped:
        return  # what is left may be torn, or hold the databases of a run; the next run builds anew
    try:
        keep(server.data, _cluster(request), wanted["version"])
    except OSError as error:
        print(f"hermetic: the cluster could not be kept: {error}", file=sys.stderr, flush=True)


def _cluster(request: Request) -> str:
    return of_project(request.project, request.binaries, request.cache)


def remove_home(home: str) -> None:
    """Remove a run's directory, and the shorter one that its socket may lie in."""
    link = f"{home}/socket"
    if os.path.islink(link):
        files.remove(os.readlink(link))
    files.remove(home)


def _terminate(*_: object) -> NoReturn:  # pragma: no cover - runs in the launcher's process only
    raise SystemExit(0)
