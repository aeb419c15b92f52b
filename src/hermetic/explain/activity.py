"""What a test did until it failed: its requests, the statements of each, how transactions ended, what still ran.

``assert 409 == 201`` says nothing of why. Everything here is made of what was told while the test ran, once it failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from hermetic.code import Location, is_library
from hermetic.events.application import RequestEnded
from hermetic.events.database import Statement, TransactionEnded
from hermetic.explain.history import History
from hermetic.explain.parts import Part, Step, is_writing, parts_of
from hermetic.masking import MASK, Masking
from hermetic.owners import Owner

LINES = 36
"""Of a section at the most: a screenful."""

STEPS, FAILED, TASKS = 10, 3, 4
"""Of one part at the most, where not everything is wanted: statements and ends of transactions, those before them that
failed, and tasks."""

STATEMENT, PARAMETERS, MESSAGE = 110, 60, 160
"""Characters of a statement, its parameters and what the driver said at the most, where not everything is wanted."""

BODY, FIELDS = 400, 8
"""Of an answer that is an error, where not everything is wanted: characters of its body, or refused fields."""

OWN_WORDS = ("value_error", "assertion_error")
"""The types of errors whose messages a validator of the project wrote: they may say the value."""

_CLASS = re.compile(r"^<class '[\w.]+'>: ")
"""What SQLAlchemy 2.0 puts before what asyncpg says."""

MARGIN = " " * 15
"""What stands before a line that has no time."""


class Detail(NamedTuple):
    """How much is said.

    Attributes:
        masking: What is not.
        root: The project's folder: files inside are shown relative to it.
        is_whole: Whether everything is.
    """

    masking: Masking
    root: str
    is_whole: bool = False

    def place(self, location: Location) -> str:
        """Return a place as it ends a line; nothing of one that is not the project's."""
        return "" if is_library(location.file) else f"  {self.relative(str(location))}"

    def relative(self, place: str) -> str:
        """Return a place as it is shown."""
        return place.removeprefix(f"{self.root.rstrip('/')}/")

    def cut(self, text: str, length: int) -> str:
        """Return a text of so many characters at the most, where not everything is wanted."""
        return text if self.is_whole or len(text) <= length else f"{text[: length - 3]}..."


def activity(history: History, detail: Detail) -> str:
    """Return what the test at hand did, the latest last; empty where it did nothing that is known."""
    parts = [_lines(part, history.test, detail) for part in parts_of(history)]
    shown, left = _latest(parts, None if detail.is_whole else LINES)
    lines = [line for part in shown for line in part]
    if lines and history.dropped:
        lines.insert(0, f"... of what was told in between, {history.dropped} events were not kept")
    if left:
        lines.insert(0, f"... {left} earlier {'part' if left == 1 else 'parts'} of it (-vv shows all)")
    return "\n".join(lines)


def short_activity(history: History, detail: Detail) -> str:
    """Return the last request of the test at hand, and what of its statements failed, in a few lines."""
    requests = [part for part in parts_of(history) if part.is_request]
    if not requests:
        return ""
    last = requests[-1]
    failed: list[Step] = [each for each in last.steps if isinstance(each, Statement) and each.error]
    lines = [*_head(last, history.test, detail), *_steps(failed[-1:], detail)]
    return "\n".join(lines[:6])


def _latest(parts: Sequence[list[str]], room: int | None) -> tuple[list[list[str]], int]:
    """Return the last parts, as many as there is room for, and how many are left out."""
    if room is None:
        return list(parts), 0
    shown: list[list[str]] = []
    for part in reversed(parts):
        room -= len(part)
        if room < 0 and shown:
            break
        shown.insert(0, part)
    return shown, len(parts) - len(shown)


def _lines(part: Part, test: Owner | None, detail: Detail) -> list[str]:
    lines = [*_head(part, test, detail), *_steps(part.steps, detail)]
    if part.is_uncommitted:
        lines.append("    what it wrote was neither committed nor rolled back when the test failed")
    for task in part.tasks if detail.is_whole else part.tasks[:TASKS]:
        lines.append(f"    the task `{task.name}` was still running, at {detail.relative(task.place)}")
    if not detail.is_whole and len(part.tasks) > TASKS:
        lines.append(f"    and {len(part.tasks) - TASKS} more tasks")
    return lines


def _head(part: Part, test: Owner | None, detail: Detail) -> Iterator[str]:
    ended = part.ended
    by = "" if part.owner.parent in (test, None) else f", sent by {part.owner.parent.name}"
    if part.socket is not None:
        socket = part.socket
        how = socket.error or (f"closed with {socket.code}" if socket.code else "over")
        yield f"websocket {detail.masking.text(socket.path)} -> {how}, {_ms(socket.seconds)}{by}"
    elif ended is not None:
        query = f"?{detail.masking.query(ended.query)[:200]}" if ended.query else ""
        path = detail.masking.text(ended.path) + query
        how = " ".join(filter(None, (str(ended.status or ""), ended.error))) or "no answer"
        yield f"{ended.method} {path} -> {how}, {_ms(ended.seconds)}{by}"
        yield from (f"    {line}" for line in _answer(ended, detail))
    elif part.began is not None:
        path = detail.masking.text(part.began.path)
        yield f"{part.began.method} {path} -> not answered when the test failed{by}"
    else:
        yield "the test itself" if part.owner is test else part.owner.name


def _answer(ended: RequestEnded, detail: Detail) -> list[str]:
    """Return what an answer that is an error says, or of a refused input which fields, and why."""
    if ended.status < 400 or not ended.body.strip():
        return []
    fields = list(_fields(ended.body, detail.masking))
    if not fields:
        return [detail.cut(" ".join(detail.masking.body(ended.body).split()), BODY)]
    if detail.is_whole or len(fields) <= FIELDS:
        return fields
    return [*fields[:FIELDS], f"... and {len(fields) - FIELDS} more"]


def _fields(body: str, masking: Masking) -> Iterator[str]:
    """Give the fields that FastAPI refused: ``body.email: value is not a valid email address``."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return
    errors = answer.get("detail") if isinstance(answer, Mapping) else None
    if not isinstance(errors, list) or not errors or not all(map(_is_refusal, errors)):
        return
    for error in errors:
        names = [str(each) for each in error["loc"]]
        is_secret = any(map(masking.hides, names))
        says = MASK if is_secret and error.get("type") in OWN_WORDS else masking.text(str(error["msg"]))
        yield f"{'.'.join(names)}: {says}"[:BODY]


def _is_refusal(error: Any) -> bool:
    return isinstance(error, Mapping) and isinstance(error.get("loc"), list) and "msg" in error


def _steps(steps: Sequence[Step], detail: Detail) -> Iterator[str]:
    """Give the lines of the last steps, and of those before them that failed; steps alike in a row are one."""
    alike = [list(each) for _, each in groupby(steps, key=_kind_of)]
    failed = [each for each in alike[:-STEPS] if _has_failed(each)][-FAILED:]
    shown = alike if detail.is_whole else [*failed, *alike[-STEPS:]]
    left = sum(map(len, alike)) - sum(map(len, shown))
    if left:
        yield f"    ... {left} more before these (-vv shows all)"
    for several in shown:
        yield from _of_steps(several, detail)


def _of_steps(several: Sequence[Step], detail: Detail) -> Iterator[str]:
    step, place = several[0], detail.place(several[0].location)
    if isinstance(step, TransactionEnded):
        yield f"{MARGIN}{'committed' if step.how == 'commit' else 'rolled back'}{place}"
        return
    statements = [each for each in several if isinstance(each, Statement)]
    times = f"{len(several)} x " if len(several) > 1 else ""
    took = _ms(sum(each.seconds for each in statements))
    parameters = f"  [{detail.cut(step.parameters, PARAMETERS)}]" if step.parameters else ""
    text = detail.cut(" ".join(detail.masking.statement(step.text).split()), STATEMENT)
    yield f"{took:>{len(MARGIN) - 2}}  {times}{text}{parameters}{_rows(statements)}{place}"
    if step.error:
        message = _CLASS.sub("", " ".join(detail.masking.text(step.message).split()))
        said = detail.cut(message, MESSAGE)
        yield f"{MARGIN}failed: {step.error}: {said}"


def _kind_of(step: Step) -> tuple[str, ...]:
    """Return what steps have in common that are shown as one."""
    what = (step.text, step.error) if isinstance(step, Statement) else (step.how,)
    return (*what, str(step.location))


def _has_failed(several: Sequence[Step]) -> bool:
    return isinstance(several[0], Statement) and bool(several[0].error)


def _rows(statements: Sequence[Statement]) -> str:
    changed = sum(each.rows for each in statements)
    if not is_writing(statements[0]) or changed < 0:
        return ""
    return f"  {changed} {'row' if changed == 1 else 'rows'}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
