"""Migrations of Alembic that have two ends."""

from __future__ import annotations

from collections.abc import Iterator

from hermetic.causes.databases import TWO_HEADS
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, is_a, objects_through, place_of
from hermetic.explain.history import History


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the files of both, and the migration that they share."""
    del history
    errors = list(failure.chain())
    heads = next((attribute(each, "heads") for each in errors if is_a(each, "MultipleHeads")), ())
    scripts = next((found for each in errors for found in objects_through(each, "ScriptDirectory")), None)
    revisions = [scripts.get_revision(each) for each in heads] if scripts is not None else []
    if len(revisions) < 2:
        return
    first, second = (f"{attribute(each, 'revision')} ({attribute(each, 'path')})" for each in revisions[:2])
    parents = {attribute(each, "down_revision") for each in revisions}
    shared = f": each of them follows {parents.pop()}" if len(parents) == 1 else ""
    by = next((f", for {at}" for each in errors if (at := place_of(each, ""))), "")
    yield Explanation(
        TWO_HEADS,
        (f"The migrations have two heads, {first} and {second}{shared}. Alembic was to go to one{by}.",),
        (
            "alembic merge heads -m merge; or, where one is the younger,"
            f" down_revision = {attribute(revisions[0], 'revision')!r} in {attribute(revisions[1], 'path')}",
        ),
    )
