"""A pool that had no connection to give: who waited, who had those that there are, and what gives one back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from hermetic.causes.data import POOL_EXHAUSTED
from hermetic.events.application import RequestEnded
from hermetic.events.database import PoolExhausted
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.history import History

_LIMIT = re.compile(r"limit of size \d+ overflow -?\d+ reached, connection timed out, timeout ([\d.]+)")

SHOWN = 5
"""How many lines that took connections are named."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name who had the connections of a pool that gave somebody none for as long as he waited."""
    told = history.of(PoolExhausted)
    limits = [found for error in failure.chain() if (found := _LIMIT.search(str(error))) is not None]
    is_answered = any(each.error == "TimeoutError" for each in history.of(RequestEnded))
    if told and (limits or is_answered):
        yield _explanation(told[-1], f"{float(limits[0][1]):g} s" if limits else "in vain")


def _explanation(told: PoolExhausted, waited: str) -> Explanation:
    made = "" if told.made_at is None else f" (made at {told.made_at})"
    taken = Counter(zip(told.taken_at, told.holders, strict=True)).most_common(SHOWN)
    has = "the one connection" if len(told.holders) == 1 else "each connection"
    lines = [
        f"{at} took {times if times > 1 else 'one'}, for {owner}, and has not given it back."
        for (at, owner), times in taken
    ]
    ended = [
        f"{at}: close that session before another one is needed, or end its transaction: commit() and rollback() give"
        " the connection back"
        for (at, _), _ in taken[:1]
    ]
    return Explanation(
        POOL_EXHAUSTED,
        (
            f"{told.owner.name} waited {waited} at {told.location} for a connection of the engine"
            f" {told.engine}{made}, whose pool had given away {has} that it may have.",
            *lines,
        ),
        (*ended, f"or pool_size={len(told.holders) + 1}, or more, where so many are needed at once")
        if ended
        else ("a larger pool_size, where so many are needed at once",),
    )
