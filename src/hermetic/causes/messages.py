"""What the message of a library says well enough, once one knows which line it is about."""

from __future__ import annotations

from hermetic.causes import Cause

CLIENT_TAKES_NO_APP = Cause(
    "HM720",
    "AsyncClient(app=...) is gone",
    """
    httpx 0.28 took the argument `app` away; an application is given as a transport, and needs a base_url. The fixture
    `async_client` is such a client, which runs the lifespan too.
    """,
)
SYNC_DRIVER = Cause(
    "HM721",
    "A URL without an async driver",
    """
    `create_async_engine` needs a driver that is async, and takes it from the URL: `sqlite+aiosqlite://`,
    `postgresql+asyncpg://`, `postgresql+psycopg://`, `mysql+aiomysql://`. Hosting services and Alembic mostly give the
    URL without one.
    """,
)
DDL_ON_ASYNC_ENGINE = Cause(
    "HM722",
    "create_all on an async engine",
    """
    `MetaData.create_all` and `drop_all` are synchronous and need a synchronous connection. An async connection runs
    them for you: `await connection.run_sync(Base.metadata.create_all)`. Where `hermetic_schema` names the metadata,
    the tables are there before the first test, and the fixture can go.
    """,
)
GREENLET_MISSING = Cause(
    "HM723",
    "greenlet is not installed",
    """
    SQLAlchemy's asyncio extension needs greenlet, which SQLAlchemy installs only as `sqlalchemy[asyncio]`: since 2.1
    nowhere by itself, before that not on every platform. Add it: `pip install "sqlalchemy[asyncio]"`.
    """,
)
LOOP_IN_A_LOOP = Cause(
    "HM724",
    "asyncio.run() inside a running event loop",
    """
    An async test, and all it calls, runs in an event loop, in which no second one can be started: neither by
    `asyncio.run` nor by `loop.run_until_complete`. Await the coroutine instead.
    """,
)
FIXTURE_ASKED_FOR_IN_A_LOOP = Cause(
    "HM725",
    "getfixturevalue() of an async fixture in an async test",
    """
    `request.getfixturevalue` sets a fixture up at once, and an async fixture needs its event loop for that, which is
    busy running the test. Ask for the fixture as an argument.
    """,
)
CLIENT_WITHOUT_BASE_URL = Cause(
    "HM726",
    "A client without a base_url",
    """
    httpx sends a request to a URL, not to a path: "Request URL is missing an 'http://' or 'https://' protocol", or
    "unknown url type". A client that calls an application needs a `base_url`, whichever it is; `TestClient` and
    `async_client` have one.
    """,
)
WRONG_KIND = Cause(
    "HM727",
    "Something synchronous in place of something async, or the other way round",
    """
    What is async is awaited and entered by `async with`; what is synchronous is not. `TestClient` and the sessions of
    `sessionmaker` are synchronous, `AsyncClient` and the sessions of `async_sessionmaker` are not; a session maker is
    called before it is entered; a `MagicMock` cannot stand for what is awaited, and an `AsyncMock` can. An
    `AsyncSession` has no `query()`: it executes what `select()` makes. Its `add()` is synchronous, and so is every
    method of what `execute()` and `scalars()` give, over which one iterates by `for`; over what `stream()` gives, by
    `async for`. A dependency that yields is run by FastAPI alone: elsewhere `async with` enters
    `asynccontextmanager(get_session)()`.
    """,
)
RETURNED_FROM_ITS_BLOCK = Cause(
    "HM728",
    "A fixture returns what its block closes",
    """
    A `return` leaves the `async with` around it, which closes the client before the test has it: "Cannot send a
    request, as the client has been closed". A fixture that has something to close yields.
    """,
)
TYPE_OF_ANOTHER_BACKEND = Cause(
    "HM729",
    "A type that this backend has not",
    """
    Some types of columns (arrays, network addresses, ranges, full text) are one backend's alone. Tests that make the
    application's tables on another one, mostly in memory, fail as "can't render element of type". Test on the backend
    of the application: with hermetic its own engine leads to such a database, and a test costs no more. Or give the
    column a type for both, by `with_variant()`.
    """,
)
WITHOUT_A_TRANSACTION = Cause(
    "HM755",
    "A statement that cannot be part of a transaction",
    """
    `CREATE DATABASE`, `DROP DATABASE`, `VACUUM` and some others are refused within a transaction, and SQLAlchemy begins
    one for each connection. A connection with `isolation_level="AUTOCOMMIT"` has none. To have a database for the tests
    nothing of this is needed: hermetic makes one.
    """,
)

COROUTINE_KEPT = Cause(
    "HM795",
    "A cache keeps a coroutine",
    """
    `functools.lru_cache` and `cache` keep what a function returns, and an async function returns a coroutine, which can
    be awaited once: "cannot reuse already awaited coroutine", in whichever test comes second. Keep what the coroutine
    gives: in a variable, by a cache for async functions, or in the lifespan.
    """,
)

CLIENT_OPENED_AGAIN = Cause(
    "HM796",
    "A client is opened a second time",
    """
    A client of httpx is opened by `async with`, or by its first request, and closed at the end of the block. It cannot
    be opened again: "Cannot reopen a client instance". One that a module makes lasts for one block, and so for one
    test. Make it in a fixture; `async_client` is one.
    """,
)

ATTRIBUTE_OF_ANOTHER_INSTANCE = Cause(
    "HM789",
    "An attribute of another instance of the test class",
    """
    pytest makes an instance of a test class for each of its tests, and a fixture of a wider scope, written as a method
    of that class, has one of its own. What it sets on `self` no test sees. Return the value, and take the fixture as an
    argument; or set it on the class, which is `request.cls`.
    """,
)

REQUEST_WITHOUT_BODY = Cause(
    "HM790",
    "A method of the client that takes no body",
    """
    `get`, `delete`, `head` and `options` of httpx's clients, and of `TestClient`, take neither `json=` nor `data=`:
    such requests mostly have no body. Where the endpoint reads one, `client.request("DELETE", url, json=...)` sends it.
    """,
)

SEVERAL_STATEMENTS = Cause(
    "HM811",
    "Several statements in one execute",
    """
    Drivers prepare a statement before they run it, and can prepare one at a time: a file of SQL that is handed to
    `execute(text(...))` as a whole is refused. Execute its statements one by one. A file that fills the database before
    all tests may stand in `hermetic_schema`, behind what makes the tables.
    """,
)
