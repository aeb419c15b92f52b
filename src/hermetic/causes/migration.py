"""Why ``hermetic migrate`` leaves a test as it is: what stands in the way, and what a person can change."""

from __future__ import annotations

from hermetic.causes import Cause

AT_IMPORT = Cause(
    "HM821",
    "A request while a module is imported",
    """
    Code at the top of a module, or in the body of a class, runs while pytest imports it, where nothing can be awaited.
    Move the request into a fixture; the tests that use its result take that fixture as an argument.
    """,
)

IN_A_LAMBDA = Cause(
    "HM822",
    "A request in a lambda",
    """
    A lambda cannot await. Write it as an `async def`, and await what it returns.
    """,
)

IN_ANOTHER_THREAD = Cause(
    "HM823",
    "The client in another thread, process or benchmark",
    """
    What a thread, an executor or a benchmark calls is called without an event loop: it needs the synchronous client,
    and keeps it. To send requests at once in an async test, use `asyncio.gather`.
    """,
)

GIVEN_AWAY = Cause(
    "HM824",
    "The client is given to code that the migration cannot see",
    """
    The client, or a function that uses it, is given to something that is not in the project's tests, and that may call
    its methods without awaiting them. Call the client in the test itself, or convert it by hand.
    """,
)

UNKNOWN_DECORATOR = Cause(
    "HM825",
    "A decorator that may call the function without awaiting it",
    """
    A decorator that wraps a plain function calls it and returns its result. Around an `async def` that result is a
    coroutine which nobody awaits, and the test passes whatever it says. Make the decorator's wrapper async first.
    """,
)

CANNOT_BE_ASYNC = Cause(
    "HM826",
    "A request where Python has no async form",
    """
    A property, an `__init__` or another method that Python itself calls cannot be awaited, and neither can a set-up
    method of pytest's, or what a doctest calls. Move the request into a method or an async fixture. A test that runs an
    event loop itself, by `asyncio.run` or `run_until_complete`, cannot do so within another one: await there what it
    runs.
    """,
)

UNITTEST = Cause(
    "HM827",
    "A test of unittest",
    """
    The methods of a `unittest.TestCase` are run by unittest, without an event loop. Write the class as a plain one with
    fixtures, or derive it from `unittest.IsolatedAsyncioTestCase`, and convert it again.
    """,
)

NOT_OF_THE_TESTS = Cause(
    "HM828",
    "The client is made or used outside the tests",
    """
    The module that makes the client, or uses it, is no part of the tests: the application, an example or a library that
    others import. It is left as it is, and so are the tests that use it. Move the function into the tests.
    """,
)

BY_NAME = Cause(
    "HM829",
    "A fixture or a function is asked for by a name that is computed",
    """
    `request.getfixturevalue`, `importlib` and attributes of what is not known give the migration no way to see who
    calls a function that would have to be awaited. Take the fixture as an argument, or import the function.
    """,
)

OF_TEST_CLIENT_ALONE = Cause(
    "HM830",
    "Something that only TestClient has",
    """
    The test uses what belongs to the thread in which TestClient runs the application: its portal, its streams, another
    backend. An async test has no such thing; say what it is about in terms of the event loop that it shares with the
    application.
    """,
)

SHARED = Cause(
    "HM831",
    "A client or a helper is shared with a test that stays",
    """
    A fixture, a helper or a client is used by this test and by one that has to stay synchronous, and cannot be there
    twice. Convert the other test by hand, or give it a client of its own.
    """,
)

MIXED = Cause(
    "HM832",
    "Clients of several libraries in one place",
    """
    A function is given a TestClient by one caller and another library's client by another. Awaited, it would be right
    for one of them only.
    """,
)

CANNOT_BE_REWRITTEN = Cause(
    "HM833",
    "A form that the migration does not rewrite",
    """
    The code is right, but has a form for which there is no rewrite that leaves the rest of the file as it is. Write it
    in a simpler form, and convert it again.
    """,
)

CANNOT_BE_CHANGED = Cause(
    "HM835",
    "The file cannot be changed",
    """
    The test, or a fixture or a helper that it uses, lies in a file that is read-only, or that is a link out of the
    project: make it writable, and convert the test again. Or the file is not among those that were asked for: `hermetic
    migrate tests/test_users.py` changes nothing else. Give a folder in which both lie, or none, for the whole project.
    """,
)

RECIPE_FORM = Cause(
    "HM841",
    "An asynchronous client that is made in a form without a rewrite",
    """
    The test's client calls the application in its own event loop by another library, and is made or used in a way for
    which `hermetic migrate` knows no equal one: arguments that are computed, a transport that others use as well, a
    private attribute. It goes on working. To change it by hand: `AsyncTestClient(app)` takes the arguments of
    Starlette's `TestClient`; it runs the lifespan where it is entered, and only there.
    """,
)

ON_TRIO = Cause(
    "HM842",
    "A suite that runs on trio as well",
    """
    The suite names trio as one of the backends that anyio's plugin runs its tests on. `AsyncTestClient` runs on
    asyncio only, so these tests keep the client that they have. Have the fixture `anyio_backend` return `"asyncio"`,
    and convert them again.
    """,
)
