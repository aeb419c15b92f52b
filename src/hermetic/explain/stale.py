"""A row that a session had read before a request changed it: the session gives what it remembers."""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from operator import attrgetter
from types import FrameType
from typing import Any, NamedTuple

from hermetic.causes.data import ROW_IS_REMEMBERED
from hermetic.code import Location
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, is_a, project_lines, session_of
from hermetic.explain.history import History
from hermetic.explain.transactions import writes
from hermetic.statements import Write, parameters_of


class Changed(NamedTuple):
    """Rows that a request of the test has changed, and committed.

    Attributes:
        statement: What did.
        write: The table, and what was done.
        values: Its parameters that are known, as texts, by the names of their columns.
    """

    statement: Statement
    write: Write
    values: dict[str, str]


class Remembered(NamedTuple):
    """An object that a session of the test holds, or held until the test ended.

    Attributes:
        session: What the test calls the session; empty where it has no name there.
        variable: The same of the object.
        instance: It.
        is_held: Whether its session holds it still; hermetic's own ends with the call.
    """

    session: str
    variable: str
    instance: Any
    is_held: bool = True


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Say that a session remembers a row, where the line that failed reads it."""
    frame, at = next(project_lines(failure.error), (None, None))
    if (
        failure.phase != "call"
        or frame is None
        or at is None
        or not isinstance(failure.error, AssertionError)
    ):
        return
    changes = list(_changes(failure, history))
    if not changes:
        return
    line = linecache.getline(at.file, at.line)
    for held in _remembered(frame):
        for changed in reversed(changes):
            name = _differing(held, changed, line)
            if name is not None:
                yield _explanation(at, held, changed, name)
                return


def _explanation(at: Location, held: Remembered, changed: Changed, name: str) -> Explanation:
    kind = type(held.instance).__name__
    what = f"{kind}.{name}" if name else f"{kind} (a row that is gone)"
    session = f"the session {held.session!r}" if held.session else "a session"
    request = changed.statement.owner.name.partition(" of ")[0]
    done = "deleted" if changed.write.verb == "DELETE" else "changed"
    own = held.session or "session"
    refresh = f"await {own}.refresh({held.variable}) before that line" if held.variable and name else ""
    return Explanation(
        ROW_IS_REMEMBERED,
        (
            f"{at} reads {what} as {session} remembers it: it had read the row before the {request} {done} it"
            f" ({changed.statement.location}), and a session gives each row once.",
        ),
        tuple(
            filter(
                None,
                (refresh, f"{own}.expire_all() before the row is read again, or populate_existing=True"),
            )
        ),
    )


def _changes(failure: Failure, history: History) -> Iterator[Changed]:
    """Give what requests of the test have changed and committed, in the order of the commits."""
    for statement, write, _, _, ended in sorted(writes(history.told), key=attrgetter("end")):
        is_of_a_request = statement.owner.kind == "request" and statement.owner.is_within(failure.owner)
        is_committed = ended is not None and ended.how == "commit"
        if is_of_a_request and is_committed and write.verb in ("UPDATE", "DELETE"):
            yield Changed(statement, write, parameters_of(statement.parameters))


def _remembered(frame: FrameType) -> Iterator[Remembered]:
    """Give the objects of the sessions that a frame of the test has, or of which it has an object, and its own."""
    names = {id(value): name for name, value in frame.f_locals.items()}
    sessions: dict[int, tuple[str, Any]] = {}
    for name, value in frame.f_locals.items():
        own = session_of(value)
        if own is not None:
            sessions[id(own)] = (name, own)
        state: Any = attribute(value, "_sa_instance_state")
        if is_a(state, "InstanceState") and state.session is not None:
            sessions.setdefault(id(state.session), ("", state.session))
    for name, session in sessions.values():
        for state in session.identity_map.all_states():
            instance = state.obj()
            if instance is not None:
                yield Remembered(name, names.get(id(instance), ""), instance)
    only = next(iter(sessions.values()))[0] if len(sessions) == 1 else ""
    for name, value in frame.f_locals.items():
        state = attribute(value, "_sa_instance_state")
        if is_a(state, "InstanceState") and state.session is None:
            yield Remembered(only, name, value, is_held=False)


def _differing(held: Remembered, changed: Changed, line: str) -> str | None:
    """Return the attribute that the line reads and that is another in the database; empty for a row that is gone."""
    state = held.instance._sa_instance_state
    mapper = state.mapper
    if mapper.local_table.name.lower() != changed.write.table or state.expired or not _is_row(state, changed):
        return None
    is_read = bool(held.variable) and re.search(rf"\b{held.variable}\b", line)
    if not (is_read or held.is_held):
        return None
    if changed.write.verb == "DELETE":
        return "" if is_read or re.search(r"\bNone\b", line) else None
    for column in mapper.column_attrs:
        text = changed.values.get(column.columns[0].name)
        if text is None or text == "***" or column.key not in state.dict:
            continue
        is_named = re.search(rf"\b{column.key}\b", line)
        if (is_named or is_read) and text != _text(state.dict[column.key]):
            return str(column.key)
    return None


def _is_row(state: Any, changed: Changed) -> bool:
    """Whether a statement was for the row of an object, by its key."""
    if state.key is None:
        return False
    keys = zip(state.mapper.primary_key, state.key[1], strict=True)
    return all(changed.values.get(column.name) == _text(value) for column, value in keys)


def _text(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)
