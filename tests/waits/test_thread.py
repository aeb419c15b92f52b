"""How a thread waits, told from its innermost frame."""

from __future__ import annotations

import asyncio
import gc
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hermetic import collector
from hermetic.waits.thread import frames_of, is_turning, joined_by, loops_of, wait_of

LOCK = threading.Lock()
OVER = threading.Event()
QUEUE: queue.Queue[int | None] = queue.Queue()
SIMPLE: queue.SimpleQueue[int | None] = queue.SimpleQueue()
LIMIT = 60


class Consumer:
    """Has what it waits for in an attribute."""

    def __init__(self) -> None:
        self.queue = SIMPLE

    def consume(self) -> None:
        """Wait for something to do."""
        self.queue.get()


def works() -> None:
    """Do something, and nothing else."""
    while not OVER.is_set():
        pass


def sleeps() -> None:
    """Sleep, again and again."""
    while not OVER.is_set():
        time.sleep(0.01)


WAITS: dict[str, tuple[Callable[[], object], str | None]] = {
    "an event": (lambda: OVER.wait(), "for good"),
    "an event, for a time": (lambda: OVER.wait(LIMIT), "for a time"),
    "a queue": (lambda: QUEUE.get(), "for good"),
    "a queue, for a time": (lambda: QUEUE.get(timeout=LIMIT), "for a time"),
    "a simple queue": (lambda: Consumer().consume(), "for good"),
    "a simple queue, for a time": (lambda: SIMPLE.get(timeout=LIMIT), "for a time"),
    "a lock": (lambda: LOCK.acquire(), "for good"),
    "a lock, for a time": (lambda: LOCK.acquire(True, LIMIT), "for a time"),
    "time": (sleeps, "for a time"),
    "a loop": (lambda: asyncio.run(until_over()), "for a time"),
    "nothing": (works, None),
}


async def until_over() -> None:
    """Turn a loop."""
    while not OVER.is_set():
        await asyncio.sleep(0.01)


@contextmanager
def running(function: Callable[[], object]) -> Iterator[threading.Thread]:
    """Have a thread run something that ends when all it may wait for comes."""
    OVER.clear()
    thread = threading.Thread(target=function)
    with LOCK:
        thread.start()
        try:
            yield thread
        finally:
            OVER.set()
    QUEUE.put(None)
    SIMPLE.put(None)
    thread.join()
    for each in (QUEUE, SIMPLE):
        while not each.empty():
            each.get()
    if LOCK.locked():
        LOCK.release()


def seen(thread: threading.Thread, condition: Callable[[], bool]) -> bool:
    """Return whether something became so while a thread ran."""
    assert thread.ident is not None
    pause = threading.Event()
    for _ in range(5_000):
        with collector.paused():
            if condition():
                return True
        pause.wait(0.001)
    return False


@pytest.mark.parametrize("what", WAITS)
def test_what_a_thread_waits_for(what: str) -> None:
    """With a time limit, or without one, in Python or in C; or it works."""
    function, expected = WAITS[what]
    with running(function) as thread:
        assert seen(thread, lambda: wait_of(frames_of(thread.ident or 0)[0]) == expected)


def test_whom_a_thread_joins() -> None:
    """Without a limit; and nobody where it has one."""
    with running(lambda: OVER.wait()) as joined:
        for join, expected in ((joined.join, joined), (lambda: joined.join(LIMIT), None)):
            joining = threading.Thread(target=join)
            joining.start()
            assert seen(
                joining,
                lambda joining=joining: wait_of(frames_of(joining.ident or 0)[0]) is not None,  # type: ignore[misc]
            )
            assert joined_by(frames_of(joining.ident or 0)) is expected


def test_the_loops_of_a_thread() -> None:
    """Those that it turns, and for what; asked from inside it is not turning, but in what the loop runs."""

    async def main() -> None:
        frames = frames_of(threading.get_ident())
        assert not is_turning(frames)
        assert list(loops_of(frames))[-1] == (asyncio.get_running_loop(), asyncio.current_task())

    asyncio.run(main())
    with running(lambda: asyncio.run(until_over())) as thread:
        assert seen(thread, lambda: is_turning(frames_of(thread.ident or 0)))


def test_that_no_garbage_is_collected_meanwhile(collections: list[str]) -> None:
    """A finalizer may let the other thread go on, and what is read then are frames that have returned.

    Until Python 3.12 the making of a frame object may start a collection.
    """

    reached = threading.Event()

    def deep(levels: int) -> None:
        if levels:
            deep(levels - 1)
        else:
            reached.set()
            OVER.wait()

    with running(lambda: deep(100)) as thread:
        reached.wait()
        collections.clear()
        frames = frames_of(thread.ident or 0)
        assert len(collections) < len(frames) // 2  # rather than two a frame
    assert len(frames) > 100


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """Have the collector begin with whatever is made; give the phases of each time that it does."""
    found: list[str] = []

    def note(phase: str, info: object) -> None:
        found.append(phase)

    before = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(1, 1, 1)
    try:
        yield found
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(note)


def test_one_that_is_over() -> None:
    """It has no frames, and joins nobody."""
    assert frames_of(0) == []
    assert joined_by([]) is None
    assert list(loops_of([])) == []
    assert not is_turning([])


def test_a_line_that_cannot_be_read() -> None:
    """Its file is gone, or was changed: then nothing is said."""
    names: dict[str, object] = {"time": time, "sys": sys}
    exec(compile("def f():\n    return sys._getframe()\n", "<nowhere>", "exec"), names)
    frame = names["f"]()  # type: ignore[operator]
    assert wait_of(frame) is None
