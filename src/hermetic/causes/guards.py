"""What passes though it is broken: found by guards, at the teardown of the test that did it."""

from __future__ import annotations

from hermetic.causes import Cause

NEVER_AWAITED = Cause(
    "HM801",
    "A coroutine that nobody awaits",
    """
    To call an async function only makes a coroutine; nothing of it runs before somebody awaits it. Without `await`,
    `session.commit()` writes nothing and `client.get(...)` sends nothing, and a test that does not look closely passes.
    Python only warns of it, where it drops the coroutine. Await it; or give it to `asyncio.create_task()`, and await
    the task.
    """,
)

EXCEPTION_LOST = Cause(
    "HM803",
    "A task whose exception nobody has seen",
    """
    What a task raises is kept for whoever awaits it. A task that is started and forgotten, by
    `asyncio.create_task(deliver(...))` in an endpoint, fails without anybody knowing: asyncio only logs "Task exception
    was never retrieved". Await the task; or start it in a task group, which awaits it; or give it a callback that
    looks at `task.exception()`.
    """,
)

THREAD_LEFT_RUNNING = Cause(
    "HM804",
    "A thread that outlives its test",
    """
    A test, or a request of it, has started a thread that still ran a second after the test had ended. What it does goes
    on in the next tests: it writes to their database, and a patch or a variable that it needs is gone. Have it end, and
    wait for that by `join()`; a thread that belongs to more than one test is started by a wider fixture, or by the
    lifespan.
    """,
)

LOOP_BLOCKED = Cause(
    "HM802",
    "The event loop stood still",
    """
    An event loop does one thing at a time. While a coroutine calls what waits by itself (`time.sleep`, a synchronous
    driver or HTTP client, a lock of `threading`) or computes for long, no other request, task or timer goes on. Await
    an asynchronous counterpart; or have a thread wait, by `await asyncio.to_thread(...)` or an endpoint that is a plain
    `def`.
    """,
)
