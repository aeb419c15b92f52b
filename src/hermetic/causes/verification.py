"""Why ``hermetic migrate --verify`` leaves a test as it is: what was worse about it when it ran rewritten."""

from __future__ import annotations

from hermetic.causes import Cause

FAILS_ONCE_REWRITTEN = Cause(
    "HM851",
    "A test that fails once it is rewritten",
    """
    It passes as it is, in a copy of the project, and fails there as it would be. The message is that of pytest. A test
    that fails now and then is none of these: it fails in a second run of the suite as it is, too, and is told of
    apart.
    """,
)

NOT_RUN_ONCE_REWRITTEN = Cause(
    "HM852",
    "A test that does not run once it is rewritten",
    """
    It is skipped, or not collected. Mostly nobody runs asynchronous tests there: pytest-asyncio is not installed, or
    is in its strict mode and the test has no mark. `hermetic init` sets that up.
    """,
)

FEWER_REQUESTS = Cause(
    "HM853",
    "Fewer requests once a test is rewritten",
    """
    The test passes, but sends less: a call is not awaited, or a decorator takes the coroutine that the test returns
    for its result, so that nothing of it runs. Requests are counted at the outermost Starlette or FastAPI application;
    for others where the client sends them.
    """,
)

FEWER_ASSERTIONS = Cause(
    "HM854",
    "Fewer assertions once a test is rewritten",
    """
    The test passes, but less is asserted in it than before: a part of it does not run. Counted are the `assert`
    statements that pytest has rewritten, those of helpers and fixtures that the test needs included.
    """,
)

UNAWAITED_ONCE_REWRITTEN = Cause(
    "HM855",
    "A rewritten test that leaves a coroutine unawaited",
    """
    What is in the coroutine does not run, and the test passes all the same. The message has the function in which it
    was made. All that a test leaves is collected when it has ended, so that Python tells of it there, whatever
    warnings the suite ignores. A coroutine that is left behind by the suite as it is, too, is none of these.
    """,
)

DOES_NOT_END = Cause(
    "HM856",
    "A rewritten test that does not end",
    """
    It was running when the time of the run was up, or when the process died. A test that blocks the event loop while
    it waits for the application, which runs in that loop now, waits for ever: by a thread, `time.sleep()` or a
    synchronous client of a server.
    """,
)
