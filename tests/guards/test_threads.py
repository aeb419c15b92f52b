"""Knowing who started a bare thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hermetic.guards.threads import ThreadWatch
from hermetic.owners import PROCESS, Owner, current, owned_by

LIFESPAN = Owner("lifespan", "lifespan", "session")


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
