"""Waiting for tasks that requests started, and that no response waited for.

A library's task that waits for nothing in particular (a pool's worker, opened by the first request that needed it) ends
with no request: it is not waited for.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from hermetic import tasks
from hermetic.owners import Owner

DRAIN_TIMEOUT = 10.0
"""Seconds."""


async def drain(sender: Owner, timeout: float | None) -> None:
    """Wait for the tasks that a sender's requests started in the running loop.

    Args:
        sender: Who sent the requests.
        timeout: Seconds to wait; None for ever.

    Raises:
        TimeoutError: One goes on; names each, and where it waits.
    """
    __tracebackhide__ = True
    ours = asyncio.current_task()

    def running() -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks() if task is not ours and _is_work(task, sender)]

    if not await tasks.turn_until(lambda: not running(), inf if timeout is None else timeout):
        where = "\n".join(f"  {tasks.name_of(task)}, at {tasks.place_of(task)}" for task in running())
        raise TimeoutError(f"after {timeout} s these tasks, which requests started, still run:\n{where}")


def _is_work(task: asyncio.Task[Any], sender: Owner) -> bool:
    owner = tasks.owner_of(task)
    if owner is None or owner.kind != "request" or not owner.is_within(sender) or tasks.is_ours(task):
        return False
    return tasks.is_of_the_project(task) or tasks.is_about_to_run(task)
