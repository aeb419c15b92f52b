"""What was told while a test ran, as parts: what each owner did, in order, until the test failed."""

from __future__ import annotations

from dataclasses import dataclass, field

from hermetic.events import Event
from hermetic.events.application import RequestBegan, RequestEnded, TaskFound, WebsocketEnded
from hermetic.events.database import Statement, TransactionEnded
from hermetic.events.lifecycle import CallRaised
from hermetic.explain.history import History
from hermetic.owners import PROCESS, Owner

NO_WRITING = (
    *("select", "pragma", "show", "explain", "values", "set", "table"),
    *("savepoint", "release", "rollback"),
)
"""How statements begin that change nothing themselves."""

Step = Statement | TransactionEnded


@dataclass
class Part:
    """What one owner did: a request from its begin to its end, or a test or fixture until its next request.

    Attributes:
        owner: Who.
        began: Of a request, how it began.
        ended: Of a request, how it ended; None where it had not when the test failed.
        socket: Of a websocket, how it ended.
        steps: Its statements and the ends of its transactions, in order.
        tasks: What it had started that still ran when the test failed.
        is_uncommitted: Whether it had written what was neither committed nor rolled back when the test failed.
    """

    owner: Owner
    began: RequestBegan | None = None
    ended: RequestEnded | None = None
    socket: WebsocketEnded | None = None
    steps: list[Step] = field(default_factory=list)
    tasks: list[TaskFound] = field(default_factory=list)
    is_uncommitted: bool = False

    @property
    def is_request(self) -> bool:
        """Whether it is a request or a websocket."""
        return self.began is not None or self.ended is not None or self.socket is not None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say of it."""
        return not (self.is_request or self.steps or self.tasks)


def parts_of(history: History) -> list[Part]:
    """Return what each owner did, in the order of their begins.

    The end of a transaction that only read is left out: a session is rolled back when it is closed.
    """
    parts: list[Part] = []
    latest: dict[Owner, Part] = {}
    writing: dict[int, Part] = {}
    telling: set[int] = set()  # the connections whose transactions have written, or failed
    events = _until_it_failed(history)

    def part_of(owner: Owner) -> Part:
        if owner not in latest:
            parts.append(latest.setdefault(owner, Part(owner)))
        return latest[owner]

    for event in events:
        owner = getattr(event, "owner", PROCESS)
        if owner is PROCESS or not owner.accountable:  # what hermetic does itself
            continue
        match event:
            case RequestBegan():
                if owner.parent is not None and not _is_request(latest.get(owner.parent)):
                    latest.pop(owner.parent, None)
                part_of(owner).began = event
            case RequestEnded():
                part_of(owner).ended = event
            case WebsocketEnded():
                part_of(owner).socket = event
            case Statement():
                part_of(owner).steps.append(event)
                if is_writing(event):
                    writing[event.connection] = part_of(owner)
                if event.error or is_writing(event):
                    telling.add(event.connection)
            case TransactionEnded():
                if event.how == "commit" or event.connection in telling:
                    part_of(owner).steps.append(event)
                telling.discard(event.connection)
                writing.pop(event.connection, None)
            case TaskFound():
                part_of(owner).tasks.append(event)
    for part in writing.values():
        part.is_uncommitted = True
    return [part for part in parts if not part.is_empty]


def is_writing(statement: Statement) -> bool:
    """Whether a statement may have changed something."""
    word = statement.text.lstrip(" \n\t(").partition(" ")[0].strip().lower()
    if word == "with":
        lower = statement.text.lower()
        return any(f"{verb} " in lower for verb in ("insert", "update", "delete", "merge"))
    return not statement.error and not word.startswith(NO_WRITING)


def _is_request(part: Part | None) -> bool:
    return part is not None and part.is_request


def _until_it_failed(history: History) -> list[Event]:
    """Return what was told before the call of the test raised: what it left is ended then."""
    events = history.told
    raised = (at for at, event in enumerate(events) if isinstance(event, CallRaised))
    return events[: next(raised, len(events))]
