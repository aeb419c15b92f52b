"""What audit events are refused, one by one: Python traces no line of a hook that it calls itself."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from hermetic.cli.init.trial.outcome import Line, Outcome, Refused, dumps, loads
from hermetic.cli.init.trial.sandbox import Refusals


@pytest.mark.parametrize(
    ("event", "arguments", "error", "refused"),
    [
        (
            "socket.connect",
            (None, ("::1", 5, 0, 0)),
            ConnectionRefusedError,
            Refused("socket", "::1:5", None),
        ),
        ("socket.connect", (None, b"/run/x"), ConnectionRefusedError, Refused("socket", "/run/x", None)),
        ("socket.connect", (None, (1, 2)), ConnectionRefusedError, Refused("socket", "1:2", None)),
        ("socket.sendto", (None, ("h", 8)), ConnectionRefusedError, Refused("socket", "h:8", None)),
        ("socket.getaddrinfo", (b"h", 6, 0, 0, 0), ConnectionRefusedError, Refused("socket", "h:6", None)),
        ("sqlite3.connect", (Path("a.db"),), sqlite3.OperationalError, Refused("file", "a.db", None)),
        (
            "subprocess.Popen",
            ("ls", ["ls", Path("a b")], 0, 0),
            OSError,
            Refused("process", "ls 'a b'", None),
        ),
        ("subprocess.Popen", ("/bin/sh", "ls a", 0, 0), OSError, Refused("process", "ls a", None)),
        ("os.exec", (b"/bin/ls", [b"ls"], {}), OSError, Refused("process", "ls", None)),
        ("os.system", (b"ls a",), OSError, Refused("process", "ls a", None)),
    ],
)
def test_an_event_is_refused(
    event: str, arguments: tuple[Any, ...], error: type[Exception], refused: Refused
) -> None:
    """By the error that an application may be prepared for; it is found behind others that it leads to."""
    refusals = Refusals("/project")
    with pytest.raises(error) as first:
        refusals.hear(event, arguments)
    assert refusals.all() == (refused,)
    second, unrelated = RuntimeError(), ValueError()
    second.__context__ = first.value
    assert refusals.behind(second) == refused
    assert refusals.behind(unrelated) is None
    assert loads(dumps(Outcome(refused=refusals.all()))).refused == (refused,)


def test_a_refusal_is_found_by_its_line() -> None:
    """A library may swallow it, and fail with an error of its own: the last one at that line is meant."""
    refusals = Refusals(str(Path(__file__).parent))
    for command in ("git version", "git status"):
        with pytest.raises(OSError):
            refusals.hear("os.system", (command,))
    first, last = refusals.all()
    assert last.line is not None
    assert (last.what, last.line.text) == ("git status", 'refusals.hear("os.system", (command,))')
    assert first.line == last.line
    assert refusals.at(last.line) == last
    assert refusals.at(Line(last.line.file, 1)) is None


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.getaddrinfo", ("localhost", 5432, 0, 0, 0)),
        ("socket.getaddrinfo", ("127.0.0.1", 5432, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 5432, 0, 0, 0)),
        ("socket.getaddrinfo", ("name", None, 0, 0, 0)),
        ("open", ("file", "r", 0)),
    ],
)
def test_an_event_is_harmless(event: str, arguments: tuple[Any, ...]) -> None:
    """Nobody is asked for an address of this machine."""
    Refusals("/project").hear(event, arguments)


def test_the_end_of_the_process_is_not_refused_to_those_who_were_there_before() -> None:
    """In the thread that ends it, and in no other."""
    refusals = Refusals("/project")
    refusals.exempt_this_thread()
    refusals.hear("os.system", ("ls",))

    def elsewhere() -> None:
        with pytest.raises(OSError):
            refusals.hear("os.system", ("ls",))

    other = threading.Thread(target=elsewhere)
    other.start()
    other.join()
    assert len(refusals.all()) == 1
