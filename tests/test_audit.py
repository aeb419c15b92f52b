"""One audit hook for all: who listens hears of an event, and of no other."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hermetic import audit

SOURCES = Path(audit.__file__).parent


def test_each_listener_hears_its_event_until_it_ignores_it() -> None:
    """With the event's arguments; several may listen for one."""
    heard: list[object] = []

    def twice(value: int) -> None:
        heard.append(value * 2)

    audit.listen("tests.told", heard.append)
    audit.listen("tests.told", twice)
    sys.audit("tests.told", 1)
    sys.audit("tests.else", 2)
    audit.ignore("tests.told", heard.append)
    sys.audit("tests.told", 3)
    audit.ignore("tests.told", twice)
    sys.audit("tests.told", 4)
    assert heard == [1, 2, 6]


def test_what_a_listener_raises_is_raised_there() -> None:
    """So it can refuse what is about to happen."""

    def refuse() -> None:
        raise PermissionError("no")

    audit.listen("tests.told", refuse)
    try:
        with pytest.raises(PermissionError, match="no"):
            sys.audit("tests.told")
    finally:
        audit.ignore("tests.told", refuse)


def test_listeners_of_several_threads() -> None:
    """None is lost, and none is left: two databases may be built at once."""
    between = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def listen_for_a_while() -> int:
        heard: list[object] = []
        for number in range(1_000):
            audit.listen("tests.told", heard.append)
            sys.audit("tests.told", number)
            audit.ignore("tests.told", heard.append)
        return len(set(heard))

    try:
        with ThreadPoolExecutor(4) as threads:
            counts = [each.result() for each in [threads.submit(listen_for_a_while) for _ in range(4)]]
    finally:
        sys.setswitchinterval(between)
    assert counts == [1_000] * 4


def test_nobody_else_has_a_hook() -> None:
    """Each costs every event of every test; the process of ``init --try`` runs none."""
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if "addaudithook(" in path.read_text(encoding="utf-8")
    }
    assert found == {"audit.py", "cli/init/trial/sandbox.py"}


def test_more_listeners_need_no_more_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would call each at each event, for as long as the process lives."""
    listeners: list[list[object]] = [[], []]
    hooks: list[object] = []
    audit.listen("tests.told", listeners[0].append)
    monkeypatch.setattr(sys, "addaudithook", hooks.append)
    audit.listen("tests.told", listeners[1].append)
    sys.audit("tests.told", 1)
    for each in listeners:
        audit.ignore("tests.told", each.append)
    assert (listeners, hooks) == ([[1], [1]], [])
