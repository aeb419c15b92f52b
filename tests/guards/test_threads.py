"""Knowing who started a bare thread, and which of them a test left running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hermetic.events.lifecycle import Breach
from hermetic.guards import threads
from hermetic.guards.threads import ThreadsLeftWatch, ThreadWatch
from hermetic.owners import PROCESS, Owner, current, owned_by

LIFESPAN = Owner("the lifespan (session scope)", "lifespan", "session")
TEST = Owner("test_a.py::test_it", "test", "function")
REQUEST = Owner("request POST /jobs", "request", "function", TEST)


@pytest.fixture
def watch() -> Iterator[ThreadWatch]:
    """Watches; ``Thread.start`` is what it was afterwards."""
    before = threading.Thread.start
    watch = ThreadWatch()
    watch.install()
    yield watch
    watch.uninstall()
    assert threading.Thread.start is before


def run(function: Callable[[], object]) -> None:
    """Run in a thread of its own."""
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_what_a_thread_makes_is_its_starter_s(watch: ThreadWatch) -> None:
    """A poller that a lifespan runs in a thread stays the lifespan's."""
    seen: list[Owner] = []
    with owned_by(LIFESPAN):
        run(lambda: seen.append(current()))
    assert seen == [LIFESPAN]


def test_an_executor_s_thread_serves_whoever_comes(watch: ThreadWatch) -> None:
    """Who happened to be the first does not count."""
    with owned_by(LIFESPAN), ThreadPoolExecutor(1) as executor:
        assert executor.submit(current).result() is PROCESS


def test_a_patch_on_top_stays() -> None:
    """Somebody's own patch of ``Thread.start`` survives ours, which then only passes on."""
    before, seen = threading.Thread.start, []
    watch = ThreadWatch()
    watch.install()
    ours = threading.Thread.start
    try:
        threading.Thread.start = lambda self: ours(self)  # type: ignore[method-assign]
        theirs = threading.Thread.start
        watch.uninstall()
        assert threading.Thread.start is theirs
        with owned_by(LIFESPAN):
            run(lambda: seen.append(current()))
        assert seen == [PROCESS]
    finally:
        threading.Thread.start = before  # type: ignore[method-assign]
    watch.uninstall()


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Starts of threads are watched; what waits for this ends with the test. Nothing is waited for."""
    monkeypatch.setattr(threads, "PATIENCE", 0.0)
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
    threads.PATIENCE = 60.0  # the fixture has it put back
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
