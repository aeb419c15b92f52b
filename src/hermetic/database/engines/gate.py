"""A gate at every checkout, closed while somebody else needs the database to hold still.

While a restore waits for a lock, or a wide fixture's rows become part of the baseline, a poller of the lifespan must
not begin its next transaction. It is held where it checks its connection out, which it does outside any transaction. It
is held for a moment only, and then let through: whoever closed the gate may be waiting for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.util import await_only

from hermetic.owners import Owner


@dataclass(eq=False)
class Closing:
    """One reason for which the gate is closed.

    Attributes:
        holds: Whom it holds.
        seconds: For how long each is held at the most.
        passed: Called with whoever was let through before the gate was opened.
    """

    holds: Callable[[Owner], bool]
    seconds: float
    passed: Callable[[Owner], None]


class Gate:
    """Holds those who check connections out, while it is closed to them; every method may be called in any thread."""

    def __init__(self) -> None:
        self._closings: list[Closing] = []
        self._thread: int | None = None
        self._changed = threading.Condition()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def is_closed(self) -> bool:
        """Whether it is closed to anybody."""
        return bool(self._closings)

    @contextmanager
    def closed(self, closing: Closing) -> Iterator[None]:
        """Hold whom a closing holds, inside the block."""
        self.close(closing)
        try:
            yield
        finally:
            self.open(closing)

    def close(self, closing: Closing) -> None:
        """Hold whom it holds, from now on; never those of the thread that closes it, unless they are in a loop."""
        with self._changed:
            self._thread = threading.get_ident()
            self._closings.append(closing)

    def open(self, closing: Closing) -> None:
        """Hold them no longer."""
        with self._changed:
            if closing not in self._closings:
                return
            self._closings.remove(closing)
            self._changed.notify_all()
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(_complete, future)

    def wait(self, owner: Owner, *, in_greenlet: bool) -> None:
        """Wait until the gate is open to an owner; return at once where that is so.

        Args:
            owner: Who checks a connection out.
            in_greenlet: Whether that is for an async engine, so that the loop can go on meanwhile.
        """
        while (closing := self._closing_for(owner)) is not None:
            if in_greenlet and asyncio._get_running_loop() is not None:
                opened = await_only(self._wait_in_loop(closing))
            elif asyncio._get_running_loop() is None and threading.get_ident() != self._thread:
                opened = self._wait_in_thread(closing)
            else:
                return  # it would wait for itself
            if not opened:
                closing.passed(owner)
                self.open(closing)

    def _closing_for(self, owner: Owner) -> Closing | None:
        return next((each for each in self._closings if each.holds(owner)), None)

    async def _wait_in_loop(self, closing: Closing) -> bool:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._changed:
            if closing not in self._closings:
                return True
            self._waiting.append((loop, future))
        done, _ = await asyncio.wait([future], timeout=closing.seconds)
        return bool(done)

    def _wait_in_thread(self, closing: Closing) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: closing not in self._closings, closing.seconds)


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
