"""Who runs an async test and its fixtures, in which event loop, and what belongs to another one."""

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

FIXTURE_OUTLIVES_LOOP = Cause(
    "HM711",
    "A fixture that outlives its event loop",
    """
    An async fixture runs in an event loop whose scope is named apart from the fixture's own: by `loop_scope` where it
    is defined, else by `asyncio_default_fixture_loop_scope`. A session's fixture cannot live in the loop of one test,
    so pytest-asyncio asks for a loop that pytest refuses: "ScopeMismatch: You tried to access the function scoped
    fixture _function_scoped_runner". Give the loop the scope of the fixture, and the tests the same loop.
    """,
)

LEFT_IN_ANOTHER_TASK = Cause(
    "HM706",
    "A fixture leaves in one task what it entered in another",
    """
    anyio's task groups and time limits belong to the task that enters them. pytest-asyncio runs an async generator
    fixture in two: one up to its `yield`, another one from there. A fixture that holds such a group open, be it within
    the lifespan of an application, fails when it ends: "Attempted to exit cancel scope in a different task than it was
    entered in". `async_client` and `hermetic_lifespan` run the lifespan in a task of its own.
    """,
)

EVENT_LOOP_IS_GONE = Cause(
    "HM712",
    "The fixture event_loop is gone",
    """
    pytest-asyncio 1.0 removed the fixture `event_loop`; the scope of loops is a setting now. Whoever is async has its
    loop from `asyncio.get_running_loop()`; a synchronous fixture that ran something in the loop becomes async, and
    awaits it.
    """,
)

FIXTURE_WITHOUT_RUNNER = Cause(
    "HM713",
    "An async fixture that nobody runs",
    """
    In its strict mode pytest-asyncio runs only fixtures that `@pytest_asyncio.fixture` made; anyio's plugin runs only
    those of a test that uses `anyio_backend`. pytest 9 refuses all others; older ones hand out the coroutine or the
    generator itself. Write `asyncio_mode = auto`, or use the decorator of the plugin.
    """,
)

MARK_ON_FIXTURE = Cause(
    "HM714",
    "A mark is put on a fixture",
    """
    Marks say something of tests. On a fixture they never had an effect, and pytest 9 refuses them: "Marks cannot be
    applied to fixtures". An async fixture is run by `@pytest_asyncio.fixture`, in `asyncio_mode = auto` by
    `@pytest.fixture`; the scope of its loop is `loop_scope=`, parameters are `params=`, and what
    `@pytest.mark.usefixtures` would name is an argument. Delete the mark.
    """,
)

BACKEND_TOO_NARROW = Cause(
    "HM715",
    "anyio_backend is of a narrower scope than a fixture",
    """
    anyio's plugin gives every async fixture of its tests the fixture `anyio_backend`, which is of the module's scope
    unless the project defines one. A wider async fixture cannot ask for it. Define `anyio_backend` in a conftest, with
    the widest scope that an async fixture has.
    """,
)

UNDER_TRIO = Cause(
    "HM716",
    "The test runs under trio",
    """
    Where trio is installed, the fixture `anyio_backend` of anyio's plugin runs each test twice, under asyncio and under
    trio. SQLAlchemy's asyncio extension and its drivers know asyncio only. Define an `anyio_backend` that returns
    "asyncio".
    """,
)

CONFIGURATION_NOT_READ = Cause(
    "HM717",
    "The setting stands where pytest does not read it",
    """
    pytest reads one configuration file: the first it finds of pytest.toml, pytest.ini, pyproject.toml, tox.ini and
    setup.cfg, in the folder it is started in or above. An empty pytest.ini wins over all later ones. What the others
    say of `asyncio_mode` or of loop scopes has no effect. Move it into the file that is read, or remove that file. In
    a file it reads one section: `[pytest]`, in setup.cfg `[tool:pytest]`, in pyproject.toml
    `[tool.pytest.ini_options]`. And of a key that nobody has registered, `asyncio-mode` or a misspelt one, it warns.
    """,
)

NO_LOOP_RUNS = Cause(
    "HM718",
    "An event loop is asked for where none runs",
    """
    `asyncio.get_event_loop()` makes no loop any more where none runs, and `get_running_loop`, `create_task` and many
    clients never did: "There is no current event loop", "no running event loop". A synchronous fixture or test is in
    none, nor is an endpoint that is a plain `def`, which runs in a thread. Make it `async def`; or, to run one
    coroutine, call `asyncio.run(...)`.
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
