"""A Session that cannot go on: several use it at once, or something had ended its transaction before."""

from __future__ import annotations

import re
from asyncio import CancelledError
from collections.abc import Iterator
from typing import Any, NamedTuple

from hermetic.causes.applications import SESSION_OF_SEVERAL_REQUESTS
from hermetic.causes.data import (
    SESSION_ENDED_INSIDE_ITS_BLOCK,
    SESSION_IS_INVALID,
    SESSION_OF_SEVERAL_TASKS,
    TRANSACTION_BEGUN_BEFORE,
)
from hermetic.code import UNKNOWN
from hermetic.events.application import RequestBegan, RequestEnded
from hermetic.events.database import SessionEnded
from hermetic.explain.dependency_overrides import held_by_overrides
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, frames, is_a, place_of, places, session_of, value
from hermetic.explain.history import History, whose
from hermetic.guards.dependencies import Override
from hermetic.owners import Owner

AT_ONCE = (
    "concurrent operations are not permitted",
    "another operation is in progress",
    "another command is already in progress",
    "is already in progress",
    "Session is already flushing",
    "This transaction is closed",
)
"""What SQLAlchemy and drivers say where two use one Session, or one connection, at once."""

_IN_PROGRESS = re.compile(
    r"method '(\w+)\(\)' is already in progress|concurrent operations are not permitted|Session is already flushing"
)
"""What SQLAlchemy alone says, with the method that is in progress."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say who shares a Session, or where its transaction was ended, where that is what the test failed by."""
    for error in failure.chain():
        explanation = _of(failure, history, error)
        if explanation is not None:
            yield explanation
            return


def _of(failure: Failure, history: History, error: BaseException) -> Explanation | None:
    text = str(error)
    if type(error).__name__ == "PendingRollbackError":
        return _invalid(failure, history, error, text)
    if "Can't operate on closed transaction inside context manager" in text:
        return _ended_inside(history, error)
    if "A transaction is already begun on this Session" in text:
        return _begun(failure, error)
    if any(words in text for words in AT_ONCE):
        return _shared(failure, history, error) or _of_tasks(failure, error, text)
    return None


def _session(error: BaseException) -> Any:
    """Return the Session that an error came through."""
    for frame in frames(error):
        found = value(frame, "self", "Session")
        if found is None:
            found = getattr(value(frame, "self", "SessionTransaction"), "session", None)
        if found is not None:
            return found
    return None


# -- several at once


class Shared(NamedTuple):
    """What an override hands to every request, though only one can use it at a time.

    Attributes:
        override: The override.
        kind: A Session, or a connection.
        name: What it is called there; empty where it has no name.
    """

    override: Override
    kind: str
    name: str


def _shared(failure: Failure, history: History, error: BaseException) -> Explanation | None:
    """Say which override hands a Session, or a connection, to all requests, of which several were under way."""
    requests = _at_once(failure, history)
    if len(requests) < 2:
        return None
    shared = _handed_out(error)
    return None if shared is None else _of_several(failure, shared, requests, error)


def _handed_out(error: BaseException) -> Shared | None:
    """Find the override that hands out the session which an error came through, or the one connection."""
    session = _session(error)
    for override, name, held in held_by_overrides(error):
        kind = _shared_kind(held, session)
        if kind:
            return Shared(override, kind, name)
    return None


def _begun(failure: Failure, error: BaseException) -> Explanation | None:
    """Say by which override a session came into an endpoint that somebody had used before."""
    shared = _handed_out(error)
    if shared is None:
        return None
    at = place_of(error, "The application")
    return Explanation(
        TRANSACTION_BEGUN_BEFORE,
        (
            f"{at} begins a transaction on a session that has one begun already: {shared.override} hands the same"
            f" {shared.kind} to each request{_fixture(failure, shared)}, and what used it before has begun one.",
        ),
        (
            "delete that override: each request opens a session of its own then",
            "or begin_nested() in place of begin(), which works on either",
        ),
    )


def _fixture(failure: Failure, shared: Shared) -> str:
    fixture = failure.fixture(shared.name)
    return "" if fixture is None else f", that of the {fixture}"


def _shared_kind(held: object, session: object) -> str:
    """Return what an override hands out that only one can use at a time; empty where it is something else."""
    own = session_of(held)
    if own is not None:
        return "session" if session is None or own is session else ""
    return "connection" if is_a(held, "AsyncConnection") or is_a(held, "Connection") else ""


def _at_once(failure: Failure, history: History) -> list[RequestBegan]:
    """Return the requests of the test that were under way at one time, the most that there were."""
    open_: dict[Owner, RequestBegan] = {}
    most: list[RequestBegan] = []
    for event in history.told:
        if isinstance(event, RequestBegan) and event.owner.is_within(failure.owner):
            open_[event.owner] = event
            if len(open_) > len(most):
                most = list(open_.values())
        elif isinstance(event, RequestEnded):
            open_.pop(event.owner, None)
    return most


def _of_several(
    failure: Failure, shared: Shared, requests: list[RequestBegan], error: BaseException
) -> Explanation:
    at = next((f"{each}: " for each in places(error)), "")
    sent = ", ".join(dict.fromkeys(f"{each.method} {each.path}" for each in requests))
    return Explanation(
        SESSION_OF_SEVERAL_REQUESTS,
        (
            f"{at}{len(requests)} requests at once ({sent}) use one {shared.kind}, which {shared.override} hands to"
            f" each of them{_fixture(failure, shared)}.",
        ),
        (
            "delete that override: each request opens a session of its own then, and hermetic puts the database back",
            "or send those requests one after the other",
        ),
    )


def _of_tasks(failure: Failure, error: BaseException, text: str) -> Explanation | None:
    """Say that two use a Session at once, where nobody hands it to requests: what a test gathers, say."""
    found, session = _IN_PROGRESS.search(text), _session(error)
    at, *callers = places(error) or [UNKNOWN]
    if found is None or session is None or at is UNKNOWN or _is_its_own_doing(failure, error, found[1]):
        return None
    fixture = next(
        (each for each in failure.fixtures if session is attribute(each.value, "sync_session")), None
    )
    which = "" if fixture is None else f", that of the {fixture}"
    return Explanation(
        SESSION_OF_SEVERAL_TASKS,
        (
            f"{at} uses a session that another task uses at the same time{which}.",
            *(f"It is called by {each.function}, at {each}." for each in callers[:1]),
        ),
        (
            f"a session for each task: {at.function} opens its own",
            "or await them one after the other: a session does one thing at a time",
        ),
    )


def _is_its_own_doing(failure: Failure, error: BaseException, method: str | None) -> bool:
    """Whether what was in progress may be what the error came from inside of, or what was cut short by a cancellation.

    A listener to events of a session may use that session itself.
    """
    through = [frame.f_code.co_name for frame in frames(error)]
    is_inside = method in through if method else through.count("flush") > 1
    return is_inside or any(isinstance(each, CancelledError) for each in failure.chain())


# -- ended before


def _invalid(failure: Failure, history: History, error: BaseException, text: str) -> Explanation:
    """Say where the flush failed that made a Session unusable, and in whose test."""
    session = _session(error)
    ended = None if session is None else history.sessions.last_end(session.hash_key)
    original = text.partition("Original exception was: ")[2].partition("\n")[0].strip()
    original = re.sub(
        r"'[^']*'", "'***'", re.sub(r"<class '[\w.]+'>: ", "", original)
    )  # a value may be in it
    at = place_of(error, "The test")
    first = f"{at} uses a session whose transaction has failed before, and was not rolled back."
    lines, change = [first], "await session.rollback() after a flush or a commit has failed"
    if ended is not None and ended.how == "rollback" and ended.location != UNKNOWN:
        test = history.sessions.test_of_last_end(session.hash_key)
        when = f", in {test}" if test not in ("", failure.owner.name) else ""
        lines.append(f"That was at {ended.location}{when}; the session is that of {ended.owner.name}.")
        change = (
            f"await session.rollback() where {ended.location} fails: in its except, or after pytest.raises"
        )
    if original:
        lines.append(f"It failed by: {original}")
    return Explanation(SESSION_IS_INVALID, tuple(lines), (change, *_narrower(ended)))


def _narrower(ended: SessionEnded | None) -> tuple[str, ...]:
    if ended is None or ended.owner.kind != "fixture" or ended.owner.is_test_level:
        return ()
    return (f"or a session for each test: {ended.owner.name} hands one to all of them",)


def _ended_inside(history: History, error: BaseException) -> Explanation | None:
    """Say which commit ended the transaction that a block still holds."""
    session = _session(error)
    ended = None if session is None else history.sessions.last_end(session.hash_key)
    if ended is None or ended.location == UNKNOWN:
        return None
    at = place_of(error, "The test")
    opened_by = ended.owner.name if ended.made_at == UNKNOWN else ended.made_at
    return Explanation(
        SESSION_ENDED_INSIDE_ITS_BLOCK,
        (
            f"{at} uses a session inside of `async with session.begin()`, whose transaction the {ended.how} at"
            f" {ended.location} has ended.",
            f"The session is that of {whose(ended)}.",
        ),
        (
            f"delete that {ended.how}: the block commits at its end",
            f"or open the session of {opened_by} without begin(), if what it is handed to commits",
        ),
    )
