"""A loop that stands still: what counts, whose it is, and where it stands. The looks are made by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hermetic.events.lifecycle import Breach
from hermetic.guards import loop_blocked
from hermetic.guards.loop_blocked import PAUSE, BlockedWatch, Stretch, Times
from hermetic.owners import Owner, owned_by

TEST = Owner("test_a.py::test_it", "test", "function")
REQUEST = Owner("request GET /slow", "request", "function", TEST)
LIFESPAN = Owner("the lifespan (session scope)", "lifespan", "session")


@pytest.mark.parametrize(
    ("passed", "times", "counted"),
    [
        (PAUSE, Times(0.0, 0.0), PAUSE),
        (PAUSE, Times(0.0, 0.03), PAUSE - 0.03),  # waiting for a processor
        (PAUSE, Times(0.0, 1.0), 0.0),
        (60.0, Times(0.0, 0.0), 2 * PAUSE),  # stopped, or nobody looked
        (60.0, Times(1.0, 0.0), 1.0),  # at work, and not to be interrupted
    ],
)
def test_what_a_look_counts(passed: float, times: Times, counted: float) -> None:
    """The time since the last one, without what the machine took."""
    assert Stretch(10.0, Times(0.0, 0.0)).look(10.0 + passed, times) == pytest.approx(counted)


@contextmanager
def standing(owner: Owner, wait: Callable[[threading.Event], object]) -> Iterator[asyncio.AbstractEventLoop]:
    """Have a loop in another thread wait in one call of somebody's."""
    loop, go_on, is_there = asyncio.new_event_loop(), threading.Event(), threading.Event()

    async def main() -> None:
        with owned_by(owner):
            is_there.set()
            wait(go_on)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        is_there.wait()
        yield loop
    finally:
        go_on.set()
        thread.join()
        loop.close()


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Callable[[asyncio.AbstractEventLoop], list[Breach]]:
    """Looks for half a second, by a clock of its own."""
    clock = iter(range(1_000))
    monkeypatch.setattr(loop_blocked, "now", lambda: next(clock) * PAUSE)
    monkeypatch.setattr(Times, "of", classmethod(lambda cls, thread: cls(0.0, 0.0)))

    def looked(loop: asyncio.AbstractEventLoop) -> list[Breach]:
        watch = BlockedWatch(lambda: [loop], 0.4, lambda at: at.file == __file__)
        for _ in range(11):
            watch._look(loop, TEST)
        return list(watch.end(TEST))

    return looked


Look = Callable[[asyncio.AbstractEventLoop], list[Breach]]


def stand(go_on: threading.Event) -> None:
    """Wait."""
    go_on.wait()


def test_a_request_that_blocks(look: Look) -> None:
    """Whose it is, for how long, and the lines from the innermost on."""
    with standing(REQUEST, stand) as loop:
        (breach,) = look(loop)
    assert breach.owner is REQUEST
    lines = breach.message.splitlines()
    assert lines[0] == "request GET /slow blocked the event loop for 0.5 s. [HM802]"
    assert lines[1].startswith(f"It stood in stand, at {__file__}:")
    assert lines[2].startswith(f"  called by main, at {__file__}:")


@pytest.mark.parametrize("owner", [TEST, LIFESPAN])
def test_what_may_block(look: Look, owner: Owner) -> None:
    """A test in its own code, and a wider owner."""
    with standing(owner, stand) as loop:
        assert look(loop) == []


def test_what_takes_long_for_a_good_reason(look: Look) -> None:
    """A debugger that waits for somebody."""
    names = {"__name__": "pdb"}
    exec("def interaction(go_on): go_on.wait()", names)
    with standing(REQUEST, names["interaction"]) as loop:  # type: ignore[arg-type]
        assert look(loop) == []


def test_a_loop_that_turns(look: Look) -> None:
    """It says so at each look; one that does not run is not asked."""
    loop = asyncio.new_event_loop()
    assert look(loop) == []
    loop.close()


def test_the_thread_ends_with_the_run() -> None:
    """It looks only during tests, and nothing of it is left."""
    watch = BlockedWatch(list, 0.5, lambda at: False)
    watch.begin(TEST)
    assert watch._thread is not None
    assert watch.end(TEST) == []
    watch.stop()
    assert not watch._thread.is_alive()
