"""Nobody is frozen in a transaction by the very restore that waits for it.

A restore is synchronous: while it waits, the event loop stands still, and whoever holds the lock that it waits for, a
poller of the lifespan in mid-transaction, can never give it back. So the loop turns first, until those who outlive the
test and use a connection have given it back; and where a restore meets a lock all the same, it waits in a thread of its
own while the loops turn. Meanwhile a gate keeps such owners from their next transaction. They are never cancelled.

A connection that is kept for good (one that listens, or holds an advisory lock) is waited for once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hermetic import tasks
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import UsedInSetUp
from hermetic.owners import Owner
from hermetic.threads import Work, now, pause

if TYPE_CHECKING:
    from hermetic.database.engines import Closing, Gate

T = TypeVar("T")
Loop = asyncio.AbstractEventLoop

PATIENCE = 0.5
"""Seconds that the loops turn for connections of wider owners to be given back."""

HELD = 2.0
"""Seconds that somebody is held at the gate at the most: what a restore waits for locks."""

HELD_IN_SET_UP = 0.5
"""The same while a wide fixture is set up, which may be waiting for whoever is held."""

TURN = 0.002
"""Seconds that a loop turns before the next one does, where several stand still."""


class Use(Protocol):
    """A connection that an engine handed out, or that a driver opened itself.

    Attributes:
        was_waited_for: Whether somebody waited already for its being given back.
    """

    was_waited_for: bool

    @property
    def owner(self) -> Owner:
        """Who it belongs to."""

    @property
    def loop(self) -> Loop | None:
        """The event loop that it is used in; None outside any."""

    @property
    def task(self) -> asyncio.Task[Any] | None:
        """The task that uses it, where that is known and runs."""

    @property
    def is_busy(self) -> bool:
        """Whether somebody is about to give it back, or to end its transaction."""


class Quiet:
    """Lets others finish what they do with the databases.

    Args:
        gate: Holds those who check connections out.
        in_use: Returns the connections that may be busy.
        loops: Returns the event loops that may have work.
    """

    def __init__(
        self,
        gate: Gate,
        in_use: Callable[[], Iterable[Use]],
        loops: Callable[[], Iterable[Loop]],
    ) -> None:
        self._gate = gate
        self._in_use = in_use
        self._loops = loops
        self._set_ups: list[tuple[Owner, Closing]] = []
        self._is_holding = False

    # -- before a restore

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let wider owners finish, and hold them inside the block, unless one of them keeps a connection for good.

        A thread would read meanwhile what the restore is about to take away, outside any transaction that it waits for.
        """
        closing = _to_all_wider()
        with self._gate.closed(closing):
            self._is_holding = self._let_finish()
            if not self._is_holding:
                self._gate.open(closing)  # it may wait for another one
            try:
                yield
            finally:
                self._is_holding = False

    def let_finish(self) -> None:
        """Wait until wider owners have given back what they use, or keep it for good; loops that stand still turn."""
        if self._unfinished():
            with self._gate.closed(_to_all_wider()):
                self._let_finish()

    def _let_finish(self) -> bool:
        """Do so with the gate closed; return whether all have."""
        if asyncio._get_running_loop() is not None:
            return not self._unfinished()
        deadline = now() + PATIENCE
        while (unfinished := self._unfinished()) and now() < deadline:
            loops = _still({each.loop for each in unfinished if each.loop is not None})
            _turn(loops, self._are_finished)
            if not loops:  # it is for another thread to go on
                pause()
        left = self._unfinished()
        for each in left:
            each.was_waited_for = True
        return not left

    async def let_finish_here(self) -> bool:
        """Do the same for the running loop, from a coroutine in it; return whether nothing is in use any more."""
        here = asyncio.current_task()

        def unfinished() -> list[Use]:
            return [each for each in self._in_use() if _may_finish(each) and each.task is not here]

        if not unfinished():
            return True
        with self._gate.closed(_to_all_wider()):
            await tasks.turn_until(lambda: not unfinished(), PATIENCE)
        left = unfinished()
        for each in left:
            each.was_waited_for = True
        return not left

    def _unfinished(self) -> list[Use]:
        return [each for each in self._in_use() if _may_finish(each)]

    def _are_finished(self) -> bool:
        return not self._unfinished()

    def wait(self, work: Callable[[], T]) -> T:
        """Do what waits for the locks of others, so that they can give them back meanwhile.

        Args:
            work: Waits for a limited time, whatever happens. Where no loop stands still it is done as it is.
        """
        # One closing at a time: whoever is held waits for each as long as a restore waits for locks.
        with nullcontext() if self._is_holding else self._gate.closed(_to_all_wider()):
            loops = _still(self._loops())
            if not loops:
                return work()
            working = Work(work)
            while not working.is_done():
                _turn(_still(loops), working.is_done)
            return working.result()

    # -- while a wide fixture is set up

    def begin_set_up(self, owner: Owner) -> None:
        """Hold wider owners, other than a fixture and what it started, until its set-up has ended.

        What they commit meanwhile would become part of what the fixture wrote.
        """
        from hermetic.database.engines import Closing

        self.let_finish()
        closing = Closing(self._is_held, HELD_IN_SET_UP, lambda other: _tell_of_use(other, owner))
        self._set_ups.append((owner, closing))
        self._gate.close(closing)

    def _is_held(self, owner: Owner) -> bool:
        return not owner.is_test_level and not any(owner.is_within(fixture) for fixture, _ in self._set_ups)

    def end_set_up(self, owner: Owner) -> None:
        """Hold them no longer."""
        for fixture, closing in self._set_ups[:]:
            if fixture is owner:
                self._set_ups.remove((fixture, closing))
                self._gate.open(closing)


def _tell_of_use(owner: Owner, fixture: Owner) -> None:
    if UsedInSetUp in listeners:
        emit(UsedInSetUp(owner, fixture))


def _to_all_wider() -> Closing:
    from hermetic.database.engines import Closing

    return Closing(lambda owner: not owner.is_test_level, HELD, lambda owner: None)


def _still(loops: Iterable[Loop]) -> list[Loop]:
    """Return the loops that stand still and can be turned here: none where a loop runs in this thread."""
    if asyncio._get_running_loop() is not None:
        return []
    return [loop for loop in loops if _stands_still(loop)]


def _turn(loops: Iterable[Loop], done: Callable[[], bool]) -> None:
    for loop in loops:
        loop.run_until_complete(tasks.turn_until(done, TURN))


def _may_finish(use: Use) -> bool:
    """Whether a connection is in the hands of somebody who outlives the test, and may give it back."""
    if use.was_waited_for or use.owner.is_test_level or not use.is_busy:
        return False
    return use.loop is None or not use.loop.is_closed()


def _stands_still(loop: Loop | None) -> bool:
    return loop is not None and not loop.is_running() and not loop.is_closed()
