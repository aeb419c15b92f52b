"""What the files of a suite say, and the run does not: it fails with another name, or it passes."""

from __future__ import annotations

from hermetic.causes import Cause

EVENT_LOOP_FIXTURE = Cause(
    "HM780",
    "An event_loop fixture that nobody uses",
    """
    pytest-asyncio 1.0 removed the fixture `event_loop`. A fixture of that name is an ordinary one since then: async
    tests and fixtures run in other loops than it gives, without a warning, and a test that asks for one where none is
    defined fails with "fixture 'event_loop' not found". Delete it, and set the scope of loops in the configuration.
    """,
)
FIXTURE_WIDER_THAN_ITS_LOOP = Cause(
    "HM781",
    "A fixture that outlives its event loop",
    """
    pytest-asyncio runs an async fixture in the loop that its `loop_scope` names, else in the one of
    asyncio_default_fixture_loop_scope. A fixture of the session cannot live in the loop of a function: pytest says
    "ScopeMismatch: You tried to access the function scoped fixture _function_scoped_runner". Give the loop the scope of
    its widest fixture, for tests and fixtures alike.
    """,
)
FIXTURE_WIDER_THAN_ANYIO_BACKEND = Cause(
    "HM782",
    "A fixture that is wider than anyio_backend",
    """
    anyio's plugin gives each async fixture the fixture `anyio_backend`, whose scope is the module. A fixture of the
    session cannot have it: ScopeMismatch. Define `anyio_backend` in the conftest, with the scope of the session.
    """,
)
BOTH_PLUGINS = Cause(
    "HM783",
    "A test that both async plugins take",
    """
    Where a test has the mark `anyio` and pytest-asyncio takes it too (its own mark, or asyncio_mode = auto), anyio's
    plugin runs the async fixtures and pytest-asyncio the test, in two event loops. What a fixture opened is attached to
    a different loop than the test: some drivers refuse that, others hide it. Use one plugin: drop the marks, or leave
    the mode strict.
    """,
)
LOSING_CONFIGURATION = Cause(
    "HM784",
    "Async settings in a file that pytest does not read",
    """
    pytest reads one file: the first of pytest.toml, pytest.ini, pyproject.toml, tox.ini and setup.cfg that has a
    section for it, and a pytest.ini even without one. Settings of pytest-asyncio in another are not in force, and no
    message says so. Move them.
    """,
)
ASYNC_FIXTURE_IN_A_RUNNING_LOOP = Cause(
    "HM785",
    "getfixturevalue of an async fixture in an async test",
    """
    An async fixture is run by its loop, and while an async test runs that loop is busy: "Runner.run() cannot be called
    from a running event loop". Ask for the fixture by a parameter, or by `pytest.mark.usefixtures`.
    """,
)
ASYNC_TEST_IN_TESTCASE = Cause(
    "HM786",
    "An async test of a plain unittest.TestCase",
    """
    `unittest.TestCase` calls a test and looks at nothing that it returns: the coroutine is never awaited, and the test
    passes. pytest leaves these classes to unittest, whatever plugin is installed. Inherit from
    `unittest.IsolatedAsyncioTestCase`, or write the test as a function.
    """,
)
PATCHED_STATE = Cause(
    "HM787",
    "monkeypatch of app.state",
    """
    Attributes of `app.state` lie in a dictionary of its own. Since 9.2 pytest looks into the object's `__dict__` for
    what was there before, finds nothing, and deletes the attribute when it undoes the change: later tests fail with
    "'State' object has no attribute". Patch the dictionary: `monkeypatch.setitem(app.state._state, "db", fake)`.
    """,
)
OVERRIDE_WITH_PARAMETERS = Cause(
    "HM788",
    "An override whose parameters become query parameters",
    """
    FastAPI reads the signature of an override as it does that of a dependency: a parameter without `Depends` is one of
    the request, and a required one that no request has is a 422 before the endpoint runs. pytest's fixtures are not
    handed to it. Take no parameters, and use what is around the function.
    """,
)
SYNC_URL = Cause(
    "HM789",
    "An async engine with the URL of a synchronous driver",
    """
    `create_async_engine` needs a driver for asyncio, which the URL names behind a plus. Without one SQLAlchemy loads
    the default of that database: "The asyncio extension requires an async driver to be used". It is raised where the
    engine is made: at import, for the whole run.
    """,
)
TABLES_BY_ASYNC_ENGINE = Cause(
    "HM790",
    "create_all on something async",
    """
    `MetaData.create_all` and `drop_all` are plain functions, and want a plain connection: with an AsyncEngine they end
    in "'AsyncEngine' object has no attribute '_run_ddl_visitor'", with its sync_engine in MissingGreenlet. With
    hermetic_schema there is no need to call them.
    """,
)
MEMORY_FOR_EACH_CONNECTION = Cause(
    "HM791",
    "A database in memory for each connection",
    """
    A database in memory lives as long as its connection. A pool that opens several gives each one of its own: tables
    that one made are not there for the next, "no such table". Leave `poolclass` out, or use StaticPool.
    """,
)
MIGRATED_TWICE = Cause(
    "HM792",
    "Migrations on tables that are there already",
    """
    hermetic makes the tables by hermetic_schema before the first connection. A fixture that runs the migrations then
    finds them there: "table users already exists". Delete the fixture, or have hermetic_schema name alembic.ini: then
    it has nothing left to do.
    """,
)
