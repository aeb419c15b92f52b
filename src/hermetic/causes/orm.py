"""What Sessions and their objects do that a test does not expect of them."""

from __future__ import annotations

from hermetic.causes import Cause

ATTRIBUTE_NOT_LOADED = Cause(
    "HM740",
    "an attribute that is not loaded is read outside of a query",
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
    "an attribute is read of an object whose Session is closed",
    """
    What is not loaded of an object is read by its Session, and this one has none: the Session was closed, by the end
    of its `async with` or of its fixture. What is needed later has to be loaded while it is open: `selectinload()` for
    a relationship, and `expire_on_commit=False` for what a commit would expire.
    """,
)

SESSION_IS_INVALID = Cause(
    "HM742",
    "a Session is used after its flush has failed",
    """
    A flush that fails rolls the transaction back, and the Session wants to be told so by `rollback()` before it is used
    again: else it fails as `PendingRollbackError`. The place to mend is not where this is raised, but where the flush
    or the commit had failed. A Session that several tests share carries it from one into the next.
    """,
)

SESSION_ENDED_INSIDE_ITS_BLOCK = Cause(
    "HM743",
    "a transaction is ended inside of its own block",
    """
    `async with session.begin()` commits at its end, and holds its transaction until then. A commit or a rollback
    inside, often by an application to which a fixture hands its Session, ends it, and nothing can follow in the block.
    Open such a Session without `begin()`.
    """,
)

TRANSACTION_BEGUN_BEFORE = Cause(
    "HM744",
    "a transaction is begun on a session that has one already",
    """
    The first statement of a session begins its transaction. An endpoint that calls `session.begin()` gets a new session
    in production, and fails on one that an override hands over after a fixture or another request has used it. Delete
    the override, so that each request has a session of its own.
    """,
)

ROW_IS_REMEMBERED = Cause(
    "HM732",
    "a session remembers a row that a request has changed",
    """
    A session keeps one object for each row, and gives that object whenever the row is read again, with the values that
    it read first. What a request has changed meanwhile, by its own session, is in the database and not in the object.
    Refresh it, call `expire_all()` before the row is read again, or read it with `populate_existing`.
    """,
)
