"""The connections that a test left open, by an engine or by a driver itself: named, and ended.

Of those of drivers: one that a pool has lent, or that has a transaction open, is a leak whoever opened it, if that ends
with the test. One that is idle is a leak where a line of test code opened it, or made its pool. An application that
opens a client with its first request and keeps it leaks nothing: that is the process's from then on. Nor does an ORM
(peewee, Pony) that opens one for each thread at its first query, in whatever test that is, and keeps it for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from hermetic.errors import LeakError
from hermetic.events.lifecycle import Breach
from hermetic.steps import every_step

if TYPE_CHECKING:
    from hermetic.code import Location
    from hermetic.database.engines import Installation, InUse
    from hermetic.database.in_use import Checkout, RawConnection, RawConnections
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


class RawLeaks:
    """Looks at the connections of drivers when a test ends.

    Args:
        connections: Those that are open.
        is_test_code: Whether a line is a test's.
    """

    def __init__(self, connections: RawConnections, is_test_code: Callable[[Location], bool]) -> None:
        self._connections = connections
        self._is_test_code = is_test_code

    def end(self) -> list[Breach]:
        """End what was left; return it, once for each place that left something."""
        opened = self._connections.all()
        leaks = [one for one in opened if self._is_a_leak(one)]
        found = [_raw_leak(one) for one in leaks if one.checkout.owner.accountable]
        for one in [*leaks, *(one for one in opened if one.loop is not None and one.loop.is_closed())]:
            _end(one, with_its_pool=one.maker.owner.is_test_level and self._is_test_code(one.location))
        return list({leak.message: leak for leak in found}.values())

    def _is_a_leak(self, one: RawConnection) -> bool:
        if not one.checkout.owner.is_test_level:
            return False
        return not one.is_idle or (self._is_test_code(one.checkout.location) and not _is_kept_by_an_orm(one))


def _is_kept_by_an_orm(one: RawConnection) -> bool:
    return one.maker.by_an_orm and one.pool is None and one.loop is None


def _raw_leak(one: RawConnection) -> Breach:
    checkout = one.checkout
    if one.is_lent:
        what, hint = f"left a connection of {one.driver.name} checked out", "give it back to its pool there"
    elif one.pool is not None:
        what, hint = f"left a pool of {one.driver.name} open", "close the pool there"
    else:
        what, hint = f"left a connection of {one.driver.name} open", "close the connection there"
    error = LeakError(
        f"{checkout.owner.name} {what}.",
        why=f"It was opened at {checkout.location} for {checkout.engine}.",
        hints=(f"{hint}: 'async with' does it for you",),
    )
    return Breach("leaks", checkout.owner, checkout.location, str(error))


def _end(one: RawConnection, *, with_its_pool: bool) -> None:
    if with_its_pool:
        one.end_pool()
    if one.loop is not None and one.loop.is_running():
        with suppress(RuntimeError):  # it has just been closed
            one.loop.call_soon_threadsafe(one.end)
    else:
        one.end()
