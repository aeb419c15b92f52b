"""How a task is cancelled, and ended by force where it swallows that.

A native ``cancel()`` pierces anyio's shields, so it is put off until the task is in none. A task that swallows its
cancellation would keep the test for ever, and then the runner, which cancels what is left and waits for it. So after a
while its coroutine is closed where it waits, as Python does with one that is collected, and the place is told.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hermetic import tasks

# A clean-up closes sessions, rolls back, disconnects from servers: milliseconds, on a busy machine a second.
SECONDS_AFTER_CANCEL = 5.0
TICK = 0.01
TICKS_WHILE_SHIELDED = 500


class Cancellation:
    """The cancellation of a task, for whose end others wait.

    Args:
        task: The task.

    Attributes:
        cancelled: Whether it was cancelled here.
        stuck_at: The stack where it waited when it had swallowed its cancellation; None when it has not.
    """

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._loop = task.get_loop()
        self._begun = False
        self._given_up = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self.cancelled = False
        self._lost: BaseException | None = None
        self.stuck_at: str | None = None

    def cancel(self) -> None:
        """Cancel the task once, as soon as nothing shields it."""
        if not self._begun:
            self._begun = True
            self._cancel_unshielded(TICKS_WHILE_SHIELDED)

    async def wait_uncancelled(self) -> None:
        """Wait until the task has ended, even when the waiting task is itself cancelled meanwhile.

        The first cancellation is passed on to the task; later ones (anyio repeats its own at each turn) are not, so
        that the task can clean up. A request that was cancelled has given back its connections before the test goes on.

        Raises:
            asyncio.CancelledError: The waiting task was cancelled; raised after the end of the task.
        """
        __tracebackhide__ = True
        interruption: asyncio.CancelledError | None = None
        while not (self._task.done() or self._given_up.done()):
            try:
                await asyncio.wait([self._task, self._given_up], return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError as cancelled:
                self.cancel()
                interruption = cancelled
        if self._timer is not None:
            self._timer.cancel()
        if interruption is not None:
            raise interruption

    def own_error(self, error: BaseException) -> BaseException | None:
        """Return what the task itself has to say, given what it ended with; as of the function of that name."""
        lost, self._lost = self._lost, None
        if self.stuck_at is not None:
            return None
        return lost if self.cancelled and isinstance(error, asyncio.CancelledError) else error

    def note(self) -> str:
        """Say that the task had to be ended by force, and where it waited."""
        return (
            f"it swallowed its cancellation and had not ended {SECONDS_AFTER_CANCEL} s later, so it was ended by "
            f"force; it waited here:\n{self.stuck_at}"
        )

    def _cancel_unshielded(self, ticks: int) -> None:
        if self._task.done():
            return
        if ticks and tasks.is_shielded(self._task):
            self._timer = self._loop.call_later(TICK, self._cancel_unshielded, ticks - 1)
            return
        self.cancelled = True
        self._lost = tasks.error_on_its_way(self._task)
        self._task.cancel()
        self._timer = self._loop.call_later(SECONDS_AFTER_CANCEL, self._end_by_force)

    def _end_by_force(self) -> None:
        if self._task.done():
            return
        self.stuck_at = tasks.stack_of(self._task)
        _close(self._task)
        self._timer = self._loop.call_later(TICK, self._given_up.set_result, None)


def own_error(error: BaseException, cancellation: Cancellation | None) -> BaseException | None:
    """Return what a task itself has to say, given what it ended with: not that it was cancelled, nor by force.

    A cancellation that came while another error was on its way does not take that one's place.

    Args:
        error: What it ended with.
        cancellation: How it was cancelled; None where nobody did.
    """
    if isinstance(error, GeneratorExit):
        return None  # it is collected
    return error if cancellation is None else cancellation.own_error(error)


def _close(task: asyncio.Task[Any]) -> None:
    """Close a task's coroutine, and first that of a task which it awaits: a cancellation is passed on to that."""
    if (inner := tasks.awaited_task(task)) is not None:
        _close(inner)
    coroutine = task.get_coro()
    with suppress(Exception):  # that it ignores this too, or what it raises instead
        coroutine.close()
    task.add_done_callback(retrieve_error)
    task.cancel()


def retrieve_error(task: asyncio.Task[Any]) -> None:
    """Retrieve the error of a task that has ended, if it has: else asyncio logs that it never was."""
    if task.done() and not task.cancelled():
        task.exception()
