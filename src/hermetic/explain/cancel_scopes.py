"""A cancel scope of anyio's that a fixture enters in one task and leaves in another."""

from __future__ import annotations

from collections.abc import Iterator

from hermetic.causes.event_loops import LEFT_IN_ANOTHER_TASK
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import project_lines
from hermetic.explain.history import History

_SAYS = "Attempted to exit cancel scope in a different task than it was entered in"


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the fixture around whose yield the scope is, and the line that opens it."""
    del history
    for error in failure.chain():
        lines = [at for _, at in project_lines(error)] if _SAYS in str(error) else []
        for fixture in failure.fixtures:
            inside = [at for at in lines if fixture.location and at[::2] == fixture.location[::2]]
            if inside and fixture.loop is not None:
                yield Explanation(
                    LEFT_IN_ANOTHER_TASK,
                    (
                        f"{fixture} enters, at {inside[0]}, what has a task group or a time limit of anyio's"
                        f" ({lines[0]}). pytest-asyncio runs what comes before its yield in one task, and what comes"
                        " after in another one; anyio wants both to be the same.",
                    ),
                    (
                        "for an application's lifespan: the fixture async_client, or hermetic_lifespan for a client of"
                        " your own, which keep it in one task",
                        "else enter it in the test itself, or have anyio's plugin run the tests: it keeps a fixture in"
                        " one task",
                    ),
                )
                return
