"""What the files of a suite say, and the run does not: it fails with another name, or it passes."""

from __future__ import annotations

from hermetic.causes import Cause

BOTH_PLUGINS = Cause(
    "HM780",
    "A test that both async plugins take",
    """
    Where a test has the mark `anyio` and pytest-asyncio takes it too (its own mark, or asyncio_mode = auto), anyio's
    plugin runs the async fixtures and pytest-asyncio the test, in two event loops. What a fixture opened is attached to
    a different loop than the test: some drivers refuse that, others hide it. Use one plugin: drop the marks, or leave
    the mode strict.
    """,
)
ASYNC_TEST_IN_TESTCASE = Cause(
    "HM781",
    "An async test of a plain unittest.TestCase",
    """
    `unittest.TestCase` calls a test and looks at nothing that it returns: the coroutine is never awaited, and the test
    passes. pytest leaves these classes to unittest, whatever plugin is installed. Inherit from
    `unittest.IsolatedAsyncioTestCase`, or write the test as a function.
    """,
)
PATCHED_STATE = Cause(
    "HM782",
    "monkeypatch of app.state",
    """
    Attributes of `app.state` lie in a dictionary of its own. Since 9.2 pytest looks into the object's `__dict__` for
    what was there before, finds nothing, and deletes the attribute when it undoes the change: later tests fail with
    "'State' object has no attribute". Patch the dictionary: `monkeypatch.setitem(app.state._state, "db", fake)`.
    """,
)
OVERRIDE_WITH_PARAMETERS = Cause(
    "HM783",
    "An override whose parameters become query parameters",
    """
    FastAPI reads the signature of an override as it does that of a dependency: a parameter without `Depends` is one of
    the request, and a required one that no request has is a 422 before the endpoint runs. pytest's fixtures are not
    handed to it. Take no parameters, and use what is around the function.
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
MIGRATED_TWICE = Cause(
    "HM785",
    "Migrations on tables that are there already",
    """
    hermetic makes the tables by hermetic_schema before the first connection. A fixture that runs the migrations then
    finds them there: "table users already exists". Delete the fixture, or have hermetic_schema name alembic.ini: then
    it has nothing left to do.
    """,
)
