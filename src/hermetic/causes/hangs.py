"""Runs that stand still: apart from the others, for whoever says so in a run in which no test fails."""

from __future__ import annotations

from hermetic.causes import Cause

CONNECTION_LEFT = Cause(
    "HM771",
    "A connection of aiosqlite was never closed",
    """
    Each connection of aiosqlite is a thread, and since 0.22 none that ends with its process: all tests pass, and the
    run never exits. hermetic closes what is still open after the last test, and names it. Close it where it is opened:
    in the fixture, or in the application's lifespan. A connection of SQLAlchemy's is none of these.
    """,
)

THREAD_LEFT = Cause(
    "HM772",
    "The run waits for a thread that does not end",
    """
    Python waits for every thread that is no daemon, and an executor for its jobs, before a process can end. A thread
    that itself waits for good (for a queue, an event, a lock) is left behind after 2 seconds; one that sleeps or polls
    after 10; one that is at work, or stands in a call that Python cannot look into, after 60. The run then ends with
    its own exit status. A thread that is left behind is not ended: it stops with the process, wherever it stands. End
    it in the fixture or the lifespan that started it, or start it with daemon=True.
    """,
)
