"""What a test finds in its database: rows, tables, and what Sessions and their objects remember of both."""

from __future__ import annotations

from hermetic.causes import Cause

NEEDS_ANOTHER_TEST = Cause(
    "HM730",
    "The test needs what another test had left",
    """
    Each test starts from the baseline: what the tests before it had committed is gone. A test that passed only because
    another one ran before it fails now, as it would have failed alone, or in another order. Let it make what it needs,
    itself or by a fixture; a fixture of module scope makes rows that all tests of a module find.
    `hermetic_isolation = module`, or `@pytest.mark.hermetic(isolation="module")`, leaves the tests of a module what
    those before them left: to see that this is the reason, or until they are mended.
    """,
)

ROW_IS_REMEMBERED = Cause(
    "HM732",
    "A session remembers a row that a request has changed",
    """
    A session keeps one object for each row, and gives that object whenever the row is read again, with the values that
    it read first. What a request has changed meanwhile, by its own session, is in the database and not in the object.
    Refresh it, call `expire_all()` before the row is read again, or read it with `populate_existing`.
    """,
)

REQUEST_NOT_COMMITTED = Cause(
    "HM733",
    "A request does not commit what it writes",
    """
    An override that hands the test's own Session to the application has each request read what those before it have
    written, and the test too, whether or not anybody has committed it. In production each request has a Session of its
    own: what it does not commit is gone when it ends. Commit in the endpoint, or in the dependency that opens the
    Session; and delete the override, so that a test sees what was committed and nothing else.
    """,
)

ROW_NOT_COMMITTED = Cause(
    "HM734",
    "The test has not committed what the request looks for",
    """
    A request has a session and a transaction of its own, and sees what was committed. `flush()` sends a row to the
    database and leaves its transaction open: the test's own session finds it, and no other does. Commit before the
    request; hermetic undoes it after the test.
    """,
)

ROLLED_BACK_BY_A_REQUEST = Cause(
    "HM735",
    "A request rolls back what others have not committed",
    """
    An override that hands one session to the test and to every request gives them one transaction. An endpoint that
    rolls back, after a duplicate say, rolls back all of it: what the test has flushed, and what earlier requests have
    "committed" into a transaction that a fixture keeps open. In production each request has a transaction of its own.
    Commit what the request is to find; where a fixture rolls back by itself, bind the session with
    `join_transaction_mode="create_savepoint"`; or delete the override: hermetic lets everybody commit, and puts the
    database back.
    """,
)

OBJECT_OF_ANOTHER_SESSION = Cause(
    "HM736",
    "An object of one session is given to another one",
    """
    An object belongs to the session that loaded or added it, until that is closed. What another session is to do with
    it, it has to have itself: `add()` and a relationship to such an object are refused, and so is `refresh()`. Merge it
    or get it anew, set the foreign key in the place of the relationship, or have fixtures share one session.
    """,
)

ATTRIBUTE_NOT_LOADED = Cause(
    "HM740",
    "An attribute that is not loaded is read outside of a query",
    """
    SQLAlchemy reads what is not loaded of an object when it is asked for. With an async driver that takes an await,
    which an attribute cannot do, and so it fails as `MissingGreenlet`. Either it was loaded and taken away again (a
    commit expires all that a Session holds, unless it was made with `expire_on_commit=False`), or it was never loaded
    (a relationship, a deferred column, a value that the database makes): then the query has to ask for it, with
    `selectinload()`, or `await session.refresh()` reads it.
    """,
)

ATTRIBUTE_OF_CLOSED_SESSION = Cause(
    "HM741",
    "An attribute is read of an object whose Session is closed",
    """
    What is not loaded of an object is read by its Session, and this one has none: the Session was closed, by the end
    of its `async with` or of its fixture. What is needed later has to be loaded while it is open: `selectinload()` for
    a relationship, and `expire_on_commit=False` for what a commit would expire.
    """,
)

SESSION_IS_INVALID = Cause(
    "HM742",
    "A Session is used after its flush has failed",
    """
    A flush that fails rolls the transaction back, and the Session wants to be told so by `rollback()` before it is used
    again: else it fails as `PendingRollbackError`. The place to mend is not where this is raised, but where the flush
    or the commit had failed. A Session that several tests share carries it from one into the next.
    """,
)

SESSION_ENDED_INSIDE_ITS_BLOCK = Cause(
    "HM743",
    "A transaction is ended inside of its own block",
    """
    `async with session.begin()` commits at its end, and holds its transaction until then. A commit or a rollback
    inside, often by an application to which a fixture hands its Session, ends it, and nothing can follow in the block.
    Open such a Session without `begin()`.
    """,
)

TRANSACTION_BEGUN_BEFORE = Cause(
    "HM744",
    "A transaction is begun on a session that has one already",
    """
    The first statement of a session begins its transaction. An endpoint that calls `session.begin()` gets a new session
    in production, and fails on one that an override hands over after a fixture or another request has used it. Delete
    the override, so that each request has a session of its own.
    """,
)

TABLE_IN_ANOTHER_DATABASE = Cause(
    "HM750",
    "The table was made in another database",
    """
    Tables are made on an engine, and are there for whoever uses its database. A fixture that makes an engine of its own
    and the tables on it does nothing for the engine that the application has. With hermetic the application's own
    engine has its tables already: the fixture, and the override that hands its session out, can go.
    """,
)

TABLE_NOT_MADE = Cause(
    "HM751",
    "Nothing has made the table",
    """
    `create_all` makes what its MetaData knows, and that knows a table once the module which defines it is imported, and
    only if its class has the same base. Import all modules with tables where the application imports the others; name
    each MetaData in `hermetic_schema`, one a line; and of what migrations make, write the migration.
    """,
)

TABLE_EXISTS_ALREADY = Cause(
    "HM752",
    "The table exists already",
    """
    Hermetic makes the tables once, before the first test, and puts their rows back before each. A fixture that makes
    them again, by `create_all` without its check or by the migrations, finds them there. Delete it; where the tests
    need what only the migrations make, have them make the tables: `hermetic_schema = alembic.ini`.
    """,
)

COLUMN_NOT_MADE = Cause(
    "HM754",
    "A model has a column that its table has not",
    """
    A table has the columns with which it was made. Where something else makes it than the model, SQL of a fixture's or
    migrations, a column that was added to the model is missing there until somebody adds it, too. Write the migration,
    or make the tables of tests from the models: hermetic does, where `hermetic_schema` names their MetaData.
    """,
)

LEFT_IN_MEMORY = Cause(
    "HM753",
    "A database in memory is not put back",
    """
    An engine in memory that a conftest makes is a database of the tests' own, which hermetic leaves alone. Where an
    override hands it to the application it stands for the application's database, and what a request commits there is
    there for the next test. Delete the engine and the override: the application's own engine leads to a database that
    is put back. Or make the engine in a fixture of function scope.
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

ONE_CONNECTION_FOR_ALL = Cause(
    "HM768",
    "One connection for all sessions",
    """
    StaticPool, which SQLAlchemy takes for an async engine on SQLite in memory, hands one connection to everybody.
    Sessions that look apart share its one transaction: what one has written and not committed is gone when another one
    rolls back, as each does when it is closed, and is there for good when another one commits. In production each has a
    connection of its own. Use a file, or the application's own engine: hermetic puts its database back after each test.
    """,
)

SESSION_OF_SEVERAL_TASKS = Cause(
    "HM769",
    "Several tasks use one Session",
    """
    A Session does one thing at a time. What `asyncio.gather()` or a task group runs at once needs one each, or runs one
    after the other. What SQLAlchemy says depends on the moment: "Method 'commit()' can't be called here", "concurrent
    operations are not permitted", "Session is already flushing".
    """,
)

EMPTIED_IN_THE_WRONG_ORDER = Cause(
    "HM738",
    "A clean-up empties the tables in the wrong order",
    """
    A row that a foreign key refers to cannot be deleted before the rows which refer to it, nor its table be dropped or
    truncated. `reversed(Base.metadata.sorted_tables)` has those that refer to others first. With hermetic there is
    nothing to clean up: every test starts from the baseline.
    """,
)

KEPT_IN_MEMORY = Cause(
    "HM737",
    "The application remembers rows of an earlier test",
    """
    A cache that lives as long as the process, `functools.lru_cache` or a dictionary of a module, has in one test what
    it was given in another one. Hermetic puts the database back, and the module's own state it does not know. Empty it
    in a fixture: `cache_clear()`, `clear()`; or keep it where each application has its own, in `app.state`.
    """,
)

DATABASE_IN_USE = Cause(
    "HM756",
    "A database is dropped while others are connected to it",
    """
    PostgreSQL drops, renames or copies no database to which anybody is connected, and an engine's pool keeps its
    connections open until `await engine.dispose()`. Dispose of each engine first, in the loop in which it was used; or
    write `DROP DATABASE ... WITH (FORCE)`, which ends them.
    """,
)

POOL_EXHAUSTED = Cause(
    "HM785",
    "The pool has no connection left",
    """
    A session takes a connection of its engine's pool at its first statement, and gives it back when its transaction
    ends: by `commit()`, `rollback()` or `close()`. Whoever needs one more than the pool may have (`pool_size` and
    `max_overflow`) waits for `pool_timeout` seconds, 30 unless the engine says otherwise, and fails: "QueuePool
    limit of size 1 overflow 0 reached". A test that has read by its session and then awaits a request holds two at
    once, and so does an endpoint that calls what opens a session of its own. End the first transaction before, hand
    the session over, or let the pool have more.
    """,
)

TIME_ZONE_REFUSED = Cause(
    "HM798",
    "A time with a time zone for a column without one",
    """
    `Mapped[datetime]` and `DateTime` make a column without a time zone, and asyncpg takes no time for it that has one:
    "can't subtract offset-naive and offset-aware datetimes". SQLite, and other drivers, take it and drop the zone, so
    that tests on SQLite pass. Declare `DateTime(timezone=True)`, or store times without a zone.
    """,
)

TIME_ZONE_LOST = Cause(
    "HM799",
    "A time zone that the database does not keep",
    """
    SQLite has no type for times. SQLAlchemy stores them as text without the zone, `DateTime(timezone=True)` or not, and
    what is read has none: "can't compare offset-naive and offset-aware datetimes", where PostgreSQL gives one in UTC.
    Add the zone where a time is read, by a `TypeDecorator` for all; or run the tests on PostgreSQL.
    """,
)

ID_GIVEN_TWICE = Cause(
    "HM786",
    "A sequence gives an id that a row has already",
    """
    PostgreSQL gives a row its id by a sequence, unless the INSERT names one, and the sequence does not learn of
    that: after `User(id=1)` it still begins with 1, and the next INSERT fails: "duplicate key value violates unique
    constraint "users_pkey"". SQLite takes the largest id there is, so that tests on SQLite pass. Leave the id to
    the database and read it after the flush; or set the sequence after such rows, by `setval`.
    """,
)

FACTORY_SEQUENCE_GOES_ON = Cause(
    "HM783",
    "A factory's sequence goes on from test to test",
    """
    `Sequence` of factory_boy counts for as long as the process runs: the rows of a test are gone before the next one,
    and its count is not. So the first test that makes a user gets `user0`, the next one `user1`, and who gets which
    depends on the order of the tests. Compare with the attribute of the object that the factory gave, or have a fixture
    with `autouse=True` call `reset_sequence()` of the factory.
    """,
)

CHANGED_IN_PLACE = Cause(
    "HM739",
    "A value is changed in its place, and its column does not notice",
    """
    SQLAlchemy writes an attribute that was set. A dictionary or list of a plain `JSON`, `ARRAY` or `PickleType` column
    that is changed by `append()`, `update()` or `[...] =` is the same object as before: the commit writes nothing of
    it, and whoever reads the row finds the old value. Wrap the type, `MutableDict.as_mutable(JSON)` or
    `MutableList.as_mutable(...)`, which notice changes at their own level; or set the attribute to a new value; or call
    `flag_modified()`.
    """,
)

FOREIGN_KEY_NOT_CHECKED = Cause(
    "HM731",
    "A foreign key that the database does not check",
    """
    SQLite looks at foreign keys on connections alone that were told `PRAGMA foreign_keys=ON`. On others a row may refer
    to what is not there, the row that it refers to may be deleted, and `ON DELETE CASCADE` does nothing: a test that
    expects a refusal sees none, and what passes on SQLite is refused by PostgreSQL. Have each connection told:

    `@event.listens_for(engine.sync_engine, "connect")`, with `connection.execute("PRAGMA foreign_keys=ON")`.
    """,
)

ROWS_WITHOUT_ORDER = Cause(
    "HM806",
    "Rows whose order nobody asked for",
    """
    A query without `ORDER BY` gives its rows in whichever order the database finds them. That is mostly the order in
    which they were inserted, until one is updated, a page is used again or another index is chosen, and two backends
    differ in it. Ask for an order where it matters, and compare without one where it does not.
    """,
)

TEXT_OF_A_VALUE = Cause(
    "HM807",
    "The text of a value compared with the value",
    """
    JSON has no UUIDs, times and decimal numbers: an answer has the text of each, and in Python that is not equal to
    what the object has. Compare with the text, `str(user.id)`, or read it, `UUID(answer["id"])`; a model of Pydantic
    that validates the answer does that for all of its fields.
    """,
)

OBJECTS_COMPARED = Cause(
    "HM808",
    "Objects of two sessions compared",
    """
    An object of a mapped class is equal to itself alone, unless the class says otherwise. Each session makes one of its
    own for a row, and one that another session, or an earlier test, has read is another object: `assert found == user`
    fails though both stand for one row. Compare the primary keys, or the columns that matter.
    """,
)

TRANSACTION_ABORTED = Cause(
    "HM812",
    "A transaction goes on after an error",
    """
    On PostgreSQL a statement that fails ends its transaction in all but name: what comes next is refused as "current
    transaction is aborted" until it is rolled back. A test that catches an IntegrityError and goes on by the same
    connection needs a savepoint around the statement, `begin_nested()`, or a rollback.
    """,
)

OWN_ROW_NOT_COMMITTED = Cause(
    "HM813",
    "A request looks for its own row by another session",
    """
    A background task, or a helper with a session of its own, sees what was committed. A dependency that commits after
    its `yield` does so once the background tasks are done, so that they look for a row that is not there yet. Commit in
    the endpoint, before the task is added.
    """,
)

IN_ANOTHER_DATABASE = Cause(
    "HM814",
    "A row in one database, and a query to another",
    """
    A test with an engine of its own writes to the database of that engine's URL, and the application reads that of its
    own. Without an override nothing connects the two. With hermetic a test needs no engine of its own: that of the
    application leads to a database which is put back before each test.
    """,
)

LENGTH_NOT_CHECKED = Cause(
    "HM815",
    "A length that the database does not check",
    """
    `String(20)` is a length that PostgreSQL enforces; SQLite stores a text of any. A test that expects an error sees
    none there, and one that does not stores what the application's own database would refuse. A check constraint is
    enforced by both.
    """,
)
