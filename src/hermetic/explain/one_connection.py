"""One connection for all sessions: who rolls back takes away what another one has written and not committed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from hermetic.causes.data import ONE_CONNECTION_FOR_ALL
from hermetic.code import UNKNOWN
from hermetic.events.database import EngineResolved, Statement, TransactionEnded
from hermetic.explain.dependency_overrides import overrides
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import is_a
from hermetic.explain.history import History
from hermetic.owners import Owner
from hermetic.statements import Write, written

_MISSING = ("NoResultFound", "ObjectDeletedError", "StaleDataError", "InvalidRequestError")


class Lost(NamedTuple):
    """What somebody wrote, and another one rolled back on the same connection.

    Attributes:
        statement: What wrote it.
        write: The table.
        by: Who rolled back.
    """

    statement: Statement
    write: Write
    by: Owner


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say which rows a rollback of somebody else took away, where the test misses them."""
    is_missing = isinstance(failure.error, AssertionError) or any(
        is_a(failure.error, each) for each in _MISSING
    )
    if failure.phase != "call" or not is_missing or _hands_out_a_session(failure):
        return
    for lost in _lost(history):
        engine = history.databases.engine_of(lost.statement.engine)
        if engine is not None and engine.is_in_memory and _is_read_after(history, lost):
            yield _explanation(engine, lost)
            return


def _hands_out_a_session(failure: Failure) -> bool:
    """Whether an override gives a session, or a connection, to the requests: they and the test have one then."""
    kinds = ("Session", "AsyncSession", "Connection", "AsyncConnection")
    held = (value for override in overrides(failure.error) for _, value in override.held())
    return any(is_a(value, kind) for value in held for kind in kinds)


def _lost(history: History) -> Iterator[Lost]:
    """Give what was written on a connection, and rolled back there by another than who wrote it."""
    open_: dict[int, list[Lost]] = {}
    for event in history.told:
        if isinstance(event, Statement) and not event.error:
            write = written(event, "")
            if write is not None:
                open_.setdefault(event.connection, []).append(Lost(event, write, event.owner))
        elif isinstance(event, TransactionEnded):
            for each in open_.pop(event.connection, ()):
                if event.how == "rollback" and event.owner.kind == "request" and event.owner is not each.by:
                    yield each._replace(by=event.owner)


def _is_read_after(history: History, lost: Lost) -> bool:
    """Whether the table was read, on that connection, after what was lost was written."""
    told = history.told
    later = told[next(at for at, each in enumerate(told) if each is lost.statement) :]
    return any(
        isinstance(each, Statement)
        and each is not lost.statement
        and each.connection == lost.statement.connection
        and re.search(rf"\b{re.escape(lost.write.table)}\b", each.text, re.IGNORECASE)
        for each in later
    )


def _explanation(engine: EngineResolved, lost: Lost) -> Explanation:
    statement = lost.statement
    made = "" if engine.location in (None, UNKNOWN) else f" (made at {engine.location})"
    wrote = f"{lost.write.verb} of {lost.write.table} at {statement.location}"
    return Explanation(
        ONE_CONNECTION_FOR_ALL,
        (
            f"The {wrote}, by {statement.owner.name}, was rolled back before it was committed: by {lost.by.name}.",
            f"The engine {statement.engine}{made} has one connection for all sessions, as StaticPool does, so that a"
            " rollback, or a commit, of one is everybody's.",
        ),
        (
            "a database with a connection for each session: a file; or delete that engine and the override that hands"
            " it out, and the application's own is put back after each test",
        ),
    )
