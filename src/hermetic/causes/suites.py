"""What the files of a suite say, and the run does not: it fails with another name, or it passes."""

from __future__ import annotations

from hermetic.causes import Cause

ASYNC_TEST_IN_TESTCASE = Cause(
    "HM781",
    "An async test of a plain unittest.TestCase",
    """
    `unittest.TestCase` calls a test and looks at nothing that it returns: the coroutine is never awaited, and the test
    passes. pytest leaves these classes to unittest, whatever plugin is installed. Inherit from
    `unittest.IsolatedAsyncioTestCase`, or write the test as a function.
    """,
)
MEMORY_FOR_EACH_CONNECTION = Cause(
    "HM784",
    "A database in memory for each connection",
    """
    A database in memory lives as long as its connection. A pool that opens several gives each one of its own: tables
    that one made are not there for the next, "no such table". Leave `poolclass` out, or use StaticPool.
    """,
)
