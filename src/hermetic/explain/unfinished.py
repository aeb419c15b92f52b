"""A row that a task of the test had not committed yet when the test looked for it: nobody had waited for the task."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hermetic.causes.applications import TASK_NOT_FINISHED
from hermetic.code import Location
from hermetic.events.application import TaskFound
from hermetic.events.database import Statement
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import lines_of
from hermetic.explain.history import History
from hermetic.explain.isolation import fits, is_of_the_test
from hermetic.explain.transactions import Written, writes
from hermetic.statements import names_table, written

_STOPS = re.compile(r"(?<!await )\b(time\.sleep)\(")


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the task, and the line that looked for what it writes, where it was still running when the test failed."""
    running = [each for each in history.of(TaskFound) if each.owner.is_within(failure.owner)]
    if failure.phase != "call" or not running or not is_of_the_test(failure):
        return
    told = history.told
    rows = [each for each in writes(told) if each.write.verb != "DELETE"]
    for at, event in enumerate(told):
        if isinstance(event, Statement) and written(event) is None and event.rows <= 0:
            for task in running:
                late = [each for each in rows if each.statement.owner is task.owner and each.end > at]
                found = [each for each in late if names_table(event.text, each.write.table)]
                if found and fits(failure, event, [each.write for each in found]):
                    yield _explanation(failure, task, event, found[-1])
                    return


def _explanation(failure: Failure, task: TaskFound, reading: Statement, late: Written) -> Explanation:
    stopping = _stopping(failure)
    return Explanation(
        TASK_NOT_FINISHED,
        (
            f"The task {task.name}, which {task.owner.name} started, was still running when {reading.owner.name} looked"
            f" for what it writes to {late.write.table} ({reading.location}): nobody had waited for it"
            f" ({task.place or late.statement.location}).",
            *(
                [f"{stopping} stops the event loop, and with it every task: nothing is done while it sleeps."]
                if stopping
                else []
            ),
        ),
        (
            "wait for it in the test: await async_client.drain(), or until what it does is there",
            *([f"{stopping}: await asyncio.sleep(...), in place of time.sleep(...)"] if stopping else []),
        ),
    )


def _stopping(failure: Failure) -> Location | None:
    """Return the line of an async test that stops its loop."""
    if failure.function is None or not failure.is_async:
        return None
    lines = (number for number, line in lines_of(failure.function) if _STOPS.search(line))
    return next((failure.function._replace(line=number) for number in lines), None)
