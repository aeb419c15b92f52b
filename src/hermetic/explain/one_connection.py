"""One connection, or one session, for all: who rolls back takes away what another has written and not committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hermetic.causes.data import ONE_CONNECTION_FOR_ALL, ROLLED_BACK_BY_A_REQUEST
from hermetic.code import UNKNOWN, Location
from hermetic.events.database import EngineResolved, Statement
from hermetic.explain.dependency_overrides import held_by_overrides
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, is_a
from hermetic.explain.history import History
from hermetic.explain.isolation import Reading, is_of_the_test, missed
from hermetic.explain.transactions import writes
from hermetic.guards.dependencies import USED_BY_ONE, Override, capitalized
from hermetic.owners import Owner
from hermetic.statements import Write, names_table

_MISSING = ("NoResultFound", "ObjectDeletedError", "StaleDataError", "InvalidRequestError")


class Lost(NamedTuple):
    """What somebody wrote, and another one rolled back on the same connection.

    Attributes:
        statement: What wrote it.
        write: The table.
        by: Who rolled back.
        at: The line at which that was.
    """

    statement: Statement
    write: Write
    by: Owner
    at: Location


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say which rows a rollback of somebody else took away, where the test misses them."""
    if failure.phase != "call":
        return
    found_in_overrides = (
        (override, held)
        for override, _, held in held_by_overrides(failure.error)
        if any(is_a(held, kind) for kind in USED_BY_ONE)
    )
    handed_out = next(found_in_overrides, None)
    found = (
        _of_engines(failure, history) if handed_out is None else _of_session(failure, history, *handed_out)
    )
    yield from [] if found is None else [found]


def _of_engines(failure: Failure, history: History) -> Explanation | None:
    is_missing = isinstance(failure.error, AssertionError) or any(
        is_a(failure.error, each) for each in _MISSING
    )
    for lost in _lost(history) if is_missing else ():
        engine = history.databases.engine_of(lost.statement.engine)
        if engine is not None and engine.is_in_memory and _is_read_after(history, lost):
            return _explanation(engine, lost)
    return None


def _of_session(failure: Failure, history: History, override: Override, given: object) -> Explanation | None:
    """Say which rows a request rolled back that were written, and not committed, by the session that all have."""
    for lost in _lost(history) if is_of_the_test(failure) else ():
        for statement in _after(history, lost):
            reading = Reading(statement, lost.write.table, is_own=False)
            if missed(failure, history, reading, [lost.write]) is not None:
                return _of_one_session(override, given, lost)
    return None


def _lost(history: History) -> Iterator[Lost]:
    """Give what was written on a connection, and rolled back there by a request that had not written it."""
    for statement, write, _, _, ended in writes(history.told):
        if ended is None or ended.how != "rollback" or ended.owner is statement.owner:
            continue
        if ended.owner.kind == "request":
            yield Lost(statement, write, ended.owner, ended.location)


def _is_read_after(history: History, lost: Lost) -> bool:
    """Whether the table was read, on that connection, after what was lost was written."""
    return any(each.connection == lost.statement.connection for each in _after(history, lost))


def _after(history: History, lost: Lost) -> Iterator[Statement]:
    """Give what named the table, on that engine, after what was lost was written."""
    told, table = history.told, lost.write.table
    for each in told[1 + next(at for at, each in enumerate(told) if each is lost.statement) :]:
        if (
            isinstance(each, Statement)
            and each.engine == lost.statement.engine
            and names_table(each.text, table)
        ):
            yield each


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


def _of_one_session(override: Override, given: object, lost: Lost) -> Explanation:
    wrote = f"{lost.write.verb} of {lost.write.table} at {lost.statement.location}"
    request = lost.by.name.partition(" of ")[0]
    session = attribute(given, "sync_session") or given
    bound = attribute(session, "bind")
    is_joined = any(is_a(bound, kind) for kind in ("Connection", "AsyncConnection"))
    change = (
        f"await session.commit() after {lost.statement.location}: what is committed no rollback takes away"
    )
    if is_joined:
        change = 'join_transaction_mode="create_savepoint" for the session, so that a rollback ends a savepoint only'
    return Explanation(
        ROLLED_BACK_BY_A_REQUEST,
        (
            f"The {wrote}, by {lost.statement.owner.name}, was rolled back before it was committed: by the {request},"
            f" at {lost.at}.",
            f"{capitalized(override)} hands one {type(given).__name__} to all requests, and so"
            " one transaction.",
        ),
        (
            change,
            "or delete that override: each request has a session of its own then, and what it commits stays",
        ),
    )
