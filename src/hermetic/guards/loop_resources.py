"""Close what fixtures handed out, in the event loop in which it started.

Our fixtures are synchronous and hand out objects that start at first use, in whatever loop that is. They must be
closed in that same loop while it lives, and each runner ends its loop at a moment of its own: anyio inside the call of
the test, pytest-asyncio before the finalizers of synchronous fixtures. So there are three moments, and the first that
finds the loop alive closes: at the end of the test's own coroutine, on the idle loop after the call and after each
fixture's end, and at the object's fixture's end. Used again after that, it opens again. What the test's fixtures opened
stays open for the test if that runs in the same loop; what they opened in another one is closed before.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from hermetic.errors import UncommittedWrites
from hermetic.steps import every_step
from hermetic.threads import in_thread


class LoopResource(Protocol):
    """Something that starts at first use and must be closed in the loop where it started."""

    @property
    def started_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which it is open now; None while it is closed."""

    async def aclose(self) -> None:
        """Close it; it may be used, and so opened, again."""


class LoopResources:
    """Keeps what is open and closes it; the last that was opened first."""

    def __init__(self) -> None:
        self._open: list[LoopResource] = []

    def add(self, resource: LoopResource) -> None:
        """Close this when its loop next gives the chance."""
        self._open.append(resource)

    def discard(self, resource: LoopResource) -> None:
        """Close it if that is possible now, and forget it."""
        self._open.remove(resource)
        self._close_idle([resource])

    async def close_here(self) -> None:
        """Close what is open in the running loop; under trio there is none, and nothing of ours is open."""
        here = _running_loop()
        if here is None:
            return
        with every_step() as step:
            for resource in reversed(self._open[:]):
                if resource.started_loop is here:
                    with step:
                        await resource.aclose()

    def close_idle(self) -> None:
        """Close what is open in loops that stand still."""
        if self._open:
            self._close_idle(self._open)

    def close_elsewhere(self) -> None:
        """Close what is open in other loops than the running one; they stand still, and only a thread can run them.

        Raises:
            UncommittedWrites: That would lose what a fixture wrote.
        """
        here = _running_loop()
        elsewhere = [resource for resource in self._open if resource.started_loop not in (None, here)]
        if not elsewhere:
            return
        if any(getattr(resource, "is_unsaved", False) for resource in elsewhere):
            raise _unsaved()
        in_thread(self.close_idle)

    def _close_idle(self, resources: list[LoopResource]) -> None:
        with every_step() as step:
            for resource in reversed(resources[:]):
                loop = resource.started_loop
                if loop is None or loop.is_closed() or loop.is_running() or _running_loop():
                    continue
                with step:
                    loop.run_until_complete(resource.aclose())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _unsaved() -> UncommittedWrites:
    return UncommittedWrites(
        "a fixture of the test left uncommitted writes in async_db_session, in an event loop that is not the test's.",
        why="The session is closed before the test begins: no connection can be taken from a loop that stands still.",
        hints=(
            "await async_db_session.commit() in the fixture; the rows are gone after the test in any case",
            "or run fixtures and tests in one loop: asyncio_default_test_loop_scope = session",
        ),
    )
