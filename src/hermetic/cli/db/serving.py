"""``hermetic db start`` and ``stop``: a project's kept databases for psql or a GUI.

What is served is a copy of what is kept, in memory: whatever somebody does to it is gone when it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from hermetic.cli.db.survey import living
from hermetic.database.backend import every_backend
from hermetic.database.stored import Project, Running

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
    served = next(each for each in every_backend() if each.can_serve).serving(project, port)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # what stop sends is a Ctrl-C too
    try:
        _say(served.lines())
        if served.ends:
            _stay(detached)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        served.stop()
    return 0


def _stay(detached: bool) -> None:
    if detached:
        _fall_silent()
    else:
        print("serving a copy of them until Ctrl-C; what is changed in it is gone then", file=sys.stderr)
    wait()


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
        env=_environment(),
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


def _environment() -> dict[str, str]:
    environ = dict(os.environ)
    for backend in every_backend():
        environ = backend.without(environ)
    return environ


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
