"""The connections that a test left open: named, and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from weakref import WeakSet

from hermetic.errors import LeakError
from hermetic.events.lifecycle import Breach
from hermetic.guards.driver_connections import RawLeaks
from hermetic.steps import every_step

if TYPE_CHECKING:
    from hermetic.database.engines import Installation, InUse
    from hermetic.database.in_use import Checkout
    from hermetic.database.protocols import WorkerDatabase


class Leaks:
    """Looks at the connections in use when a test ends.

    Args:
        installation: Knows those that engines handed out.
        raw: Knows those that drivers opened themselves; None where nothing is to be ended, only named.
        databases: Returns the worker databases.
    """

    def __init__(
        self,
        installation: Installation,
        raw: RawLeaks | None,
        databases: Callable[[], Sequence[WorkerDatabase]],
    ) -> None:
        self._installation = installation
        self._raw = raw
        self._databases = databases
        self._told: WeakSet[Checkout] = WeakSet()

    def end(self, over: Callable[[InUse], bool]) -> list[Breach]:
        """End the connections of tests that are over; return what they left, once where none is ended.

        Args:
            over: Whether one of a test's is: a task may go on where tests share their isolation.
        """
        used = [each for each in self._installation.checked_out() if not each.left_alone]
        leaks = [each for each in used if each.owner.is_test_level and over(each)]
        abandoned = [each for each in self._installation.take_abandoned() if each.owner.is_test_level]
        left = [each for each in (*abandoned, *(leak.checkout for leak in leaks)) if each not in self._told]
        self._told.update(left)
        found = [_leak(checkout) for checkout in left if checkout.owner.accountable]
        if self._raw is not None:
            found += self._raw.end()
            self._end(leaks)
        return found

    def _end(self, leaks: Sequence[InUse]) -> None:
        with every_step() as step:
            for database in self._databases():
                with step:
                    database.end_open_work(of=[leak.checkout.owner for leak in leaks])
            for leak in leaks:
                with step:
                    leak.end_now()


def _leak(checkout: Checkout) -> Breach:
    error = LeakError(
        f"{checkout.owner.name} left a connection checked out.",
        why=f"It was checked out at {checkout.location} from {checkout.engine}.",
        hints=("close the session or the connection there: 'async with' does it for you",),
    )
    return Breach("leaks", checkout.owner, checkout.location, str(error))
