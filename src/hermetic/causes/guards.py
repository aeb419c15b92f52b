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
