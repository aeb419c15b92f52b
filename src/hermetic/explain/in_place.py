"""A value changed in its place, of a column that does not notice: the commit wrote nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from hermetic.causes.data import CHANGED_IN_PLACE
from hermetic.events import Event
from hermetic.events.database import ChangedInPlace, Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History

MUTABLE = {"dict": "MutableDict", "list": "MutableList", "set": "MutableSet"}


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the attribute, and the commit that did not write it, where its table was read after that."""
    told = history.told if failure.phase == "call" else []
    changed = [
        (at, each)
        for at, each in enumerate(told)
        if isinstance(each, ChangedInPlace) and each.owner.is_within(failure.owner)
    ]
    for at, event in changed:
        if any(_reads(each, event.table) for each in told[at:]):
            yield _explanation(event)
            return


def _reads(event: Event, table: str) -> bool:
    return isinstance(event, Statement) and event.text.startswith("SELECT") and table in event.text.lower()


def _explanation(event: ChangedInPlace) -> Explanation:
    mutable, name = MUTABLE.get(event.kind, ""), event.attribute.rpartition(".")[2]
    where = "in its place" if mutable else "below its own level"
    wrapped = f"{event.attribute}: {mutable}.as_mutable(...) around the type of its column, of sqlalchemy.ext.mutable"
    return Explanation(
        CHANGED_IN_PLACE,
        (
            f"{event.attribute}, a {event.kind}, was changed {where}, and the commit at {event.location}, by"
            f" {event.owner.name}, wrote nothing of that: its column does not notice.",
        ),
        (
            *([wrapped] if mutable else []),
            f"set {event.attribute} to a new value, or flag_modified(object, {name!r}), before the commit",
        ),
    )
