"""What belongs to one event loop, and was used in another."""

from __future__ import annotations

from hermetic.causes import Cause

CONNECTION_OF_ANOTHER_LOOP = Cause(
    "HM701",
    "A connection of another event loop",
    """
    asyncpg's connections work only in the event loop that opened them. One that a fixture holds open in its loop fails
    in the loop of the test, each time with another message: "attached to a different loop", "another operation is in
    progress", "Event loop is closed". hermetic opens a connection for each loop, but cannot move one that somebody
    holds. Let the fixture and the test run in one loop.
    """,
)
TWO_PLUGINS = Cause(
    "HM702",
    "Two plugins run one test",
    """
    With `asyncio_mode = auto`, a test that has anyio's mark is run by pytest-asyncio, and its async fixtures by anyio's
    plugin, in another event loop. What a fixture opened does not work in the test. Use one of the two plugins.
    """,
)
TEST_CLIENT_HAS_A_LOOP = Cause(
    "HM703",
    "TestClient in an async test",
    """
    Starlette's synchronous TestClient runs the application in a thread, in an event loop of its own. A connection that
    the test's loop opened does not work there: an override that hands out the test's session makes the application use
    one. Call the application in the test's loop, with an async client.
    """,
)
OBJECT_OF_ANOTHER_LOOP = Cause(
    "HM704",
    "An object of another event loop",
    """
    Clients of Redis and HTTP, pools of drivers, and asyncio's locks, queues and events belong to the event loop that
    they were first used in. One that is made at import, or by a wider fixture, meets a second loop in the second test.
    Let them have one loop, or make the object anew for each.
    """,
)
CONNECTION_WITHOUT_LOOP = Cause(
    "HM705",
    "A connection whose event loop has ended",
    """
    A session, or a connection, that lives longer than a test takes its connection in the loop of the test that uses it
    first. That loop ends with its test, and the connection with it; the next test finds a session without one, and
    SQLAlchemy only an `AssertionError`. Let all tests that share it run in one loop, or give each a session of its own.
    """,
)
