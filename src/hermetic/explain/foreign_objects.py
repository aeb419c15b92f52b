"""An object that one session has, and another one is given: which object, whose session, and where that was made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hermetic.causes.data import OBJECT_OF_ANOTHER_SESSION
from hermetic.code import UNKNOWN
from hermetic.events.database import SessionEnded
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, frames, place_of
from hermetic.explain.history import History, whose

_ATTACHED = re.compile(r"Object '<(\w+) at 0x\w+>' is already attached to session '(\d+)'")
_NOT_PERSISTENT = re.compile(r"Instance '?<(\w+) at 0x\w+>'? is not persistent within this Session")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the object, and the session that has it or had it."""
    for error in failure.chain():
        attached, lost = _ATTACHED.match(str(error)), _NOT_PERSISTENT.match(str(error))
        if attached is not None:
            ended = history.sessions.last_end(int(attached[2]))
            yield _explanation(failure, error, attached[1], f"belongs to {_session(ended)}")
        elif lost is not None:
            closed = history.sessions.close_of(_state(error))
            has = "belongs to no session, or to another one"
            if closed is not None:
                at = "" if closed.location == UNKNOWN else f" at {closed.location}"
                has = f"belonged to {_session(closed)}, which was closed{at}"
            yield _explanation(failure, error, lost[1], has)


def _explanation(failure: Failure, error: BaseException, kind: str, has: str) -> Explanation:
    at = place_of(error, failure.owner.name)
    return Explanation(
        OBJECT_OF_ANOTHER_SESSION,
        (f"{at} gives a session the {kind} of another one: that {kind} {has}.",),
        (
            f"await session.merge(...), or await session.get({kind}, ...), which return the {kind} of this session",
            "or one session for both: have the one fixture ask for the session of the other",
        ),
    )


def _session(ended: SessionEnded | None) -> str:
    return "another session" if ended is None else f"the session of {whose(ended)}"


def _state(error: BaseException) -> Any:
    """Return what SQLAlchemy knows of the object that the innermost frames are about."""
    for frame in frames(error):
        for name in ("state", "instance"):
            found = frame.f_locals.get(name)
            if found is not None:
                return attribute(found, "_sa_instance_state") or found
    return None
