"""Threads that a test started and left running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hermetic.events.lifecycle import Breach
from hermetic.guards import threads_left
from hermetic.guards.threads import ThreadWatch
from hermetic.guards.threads_left import ThreadsLeftWatch
from hermetic.owners import Owner, owned_by

TEST = Owner("test_a.py::test_it", "test", "function")
REQUEST = Owner("request POST /jobs", "request", "function", TEST)
LIFESPAN = Owner("the lifespan (session scope)", "lifespan", "session")


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Starts of threads are watched; what waits for this ends with the test. Nothing is waited for."""
    monkeypatch.setattr(threads_left, "PATIENCE", 0.0)
    event = threading.Event()
    yield event
    event.set()


class Worker(threading.Thread):
    """A thread that has a ``start`` of its own."""

    def start(self) -> None:
        """Start."""
        super().start()


def left(
    go_on: threading.Event, owner: Owner, kind: type[threading.Thread] = threading.Thread
) -> list[Breach]:
    """Return what is found of a thread of somebody's."""
    starts = ThreadWatch()
    starts.install()
    try:
        with owned_by(owner):
            kind(target=go_on.wait, name="worker", daemon=True).start()
        return list(ThreadsLeftWatch(starts.started).end(TEST))
    finally:
        starts.uninstall()


@pytest.mark.parametrize("kind", [threading.Thread, Worker])
def test_a_thread_that_goes_on(go_on: threading.Event, kind: type[threading.Thread]) -> None:
    """Who started it where, be it a class of the project's own."""
    (breach,) = left(go_on, REQUEST, kind)
    assert (breach.owner, breach.location.file, breach.location.function) == (REQUEST, __file__, "left")
    assert breach.message.startswith("request POST /jobs left a thread running (worker). [HM804]")


def test_a_thread_of_a_wider_owner(go_on: threading.Event) -> None:
    """It is none of a test's."""
    assert left(go_on, LIFESPAN) == []


def test_a_thread_that_ends(go_on: threading.Event) -> None:
    """Nothing is left of it."""
    go_on.set()
    threads_left.PATIENCE = 60.0  # the fixture has it put back
    assert left(go_on, TEST) == []


def test_a_thread_of_an_executor(go_on: threading.Event) -> None:
    """It serves whoever comes, and is the executor's to end."""
    starts = ThreadWatch()
    starts.install()
    try:
        with owned_by(TEST):
            executor = ThreadPoolExecutor(1)
            executor.submit(go_on.wait)
        assert list(ThreadsLeftWatch(starts.started).end(TEST)) == []
    finally:
        starts.uninstall()
        go_on.set()
        executor.shutdown()
