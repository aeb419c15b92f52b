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

NOBODY_GOES_ON = Cause(
    "HM778",
    "A test that waits for itself",
    """
    An event that nobody sets, a queue that nobody puts anything into, two sides of a websocket that both listen: the
    test waits, and whoever could end that waits as well, or is over. No time limit of a client's or of a database's
    ends it. Where nobody is left who could go on, for some seconds, hermetic raises an error where the innermost of
    them waits, and names the others. What waits for a socket, a process or some time to go by is never ended. Let
    somebody end that wait (a task that the test starts first), or give it a limit: `async with asyncio.timeout(1)`.
    With `hermetic_stuck = warn` the wait goes on.
    """,
)

CLOCK_STANDS = Cause(
    "HM779",
    "The event loop's clock stands still",
    """
    An event loop counts by `time.monotonic()`. freezegun's `freeze_time` stops that as well, so that `asyncio.sleep`,
    `asyncio.wait_for` and every other limit wait for ever: in the application, in a driver, or in the test. Give the
    loop its clock: `freeze_time(..., real_asyncio=True)`; or move it: `tick=True`, or `frozen.tick()` by another task.
    time-machine leaves the loop's clock alone. hermetic ends such a wait after some seconds, and names it.
    """,
)
