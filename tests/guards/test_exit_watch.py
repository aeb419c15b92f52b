"""What keeps a run from ending: how long it gets, and what is said of it."""

from __future__ import annotations

import threading

from hermetic.code import UNKNOWN, Location
from hermetic.guards import exit_watch
from hermetic.guards.exit_watch import ExitWatch, Seen, leave_behind, text
from hermetic.guards.threads import Started
from hermetic.owners import Owner

TEST = Owner("test_a.py::test_it", "test", "function")
AT = Location("app/jobs.py", 7, "consume")


def seen(*waits: str | None) -> Seen:
    """Look at a thread so often."""
    made = Seen()
    for wait in waits:
        made.look(wait)  # type: ignore[arg-type]
    return made


def test_what_a_thread_gets() -> None:
    """Least where it waits for good, most where it may be writing something down."""
    assert seen("for good", "for good").patience == exit_watch.FOR_GOOD
    assert seen("for good", "for a time", "for a time", "for a time", None).patience == exit_watch.ASLEEP
    assert seen("for good", None).patience == exit_watch.AT_WORK


def test_what_is_said_of_it() -> None:
    """What it is, who started it where, where it stands, and what becomes of it."""
    thread = threading.Thread(name="consumer")
    said = text(thread, Started(TEST, Location("tests/test_a.py", 3, "test_it"), True), AT, 0.0)
    assert "a thread (consumer), started by test_a.py::test_it at tests/test_a.py:3" in said
    assert "stands in consume, at app/jobs.py:7, and waits for good" in said
    assert "daemon=True" in said
    assert "[HM772]" in said


def test_what_is_said_of_what_is_not_known() -> None:
    """Nothing: a library started it, or somebody before the run, and it stands in a library."""
    thread = threading.Thread()
    assert "started by test_a.py::test_it. It stands in a library, and gets 8" in text(
        thread, Started(TEST, UNKNOWN, False), None, 8.0
    )
    assert "whose start was not seen" in text(thread, None, None, 8.0)


def test_one_that_is_left_behind() -> None:
    """Whoever waits for its end goes on; it goes on, too."""
    over = threading.Event()
    left = threading.Thread(target=over.wait)
    left.start()
    leave_behind(left)
    left.join()
    leave_behind(left)
    over.set()


def test_a_thread_that_waits_until_it_is_needed() -> None:
    """None is started when the last test ends, or by the end of the run; without a thread to look at it ends."""
    watch, over = ExitWatch(lambda thread: None), threading.Event()
    watch.prepare()
    (own,) = [each for each in threading.enumerate() if each.name == "hermetic-exit"]
    left = threading.Thread(target=over.wait)
    left.start()
    there = threading.enumerate()
    watch.begin()
    assert threading.enumerate() == there
    over.set()
    left.join()
    watch.end()
    own.join()


def test_nothing_to_watch() -> None:
    """No thread is started."""
    watch = ExitWatch(lambda thread: None)
    watch.begin()
    watch.end()
    assert "hermetic-exit" not in [each.name for each in threading.enumerate()]
