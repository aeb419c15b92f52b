"""The lifespan that ``hermetic_lifespan`` hands out."""

from __future__ import annotations

import asyncio
from typing import Any

from hermetic.client import Lifespan
from hermetic.owners import Owner, owned_by
from hermetic.run import Run
from hermetic.tasks import beside_the_loop


class FixtureLifespan(Lifespan):
    """A lifespan that starts with the first request and, with a wide scope, counts as a wide fixture.

    What the application's start-up writes belongs to the baseline for as long as a wide lifespan lives; with
    the scope of a test it is undone with the test.
    """

    def __init__(self, app: Any, run: Run, *, scope: Any) -> None:
        super().__init__(app)
        self._suite = run
        self._scope = scope
        self._wide_owner: Owner | None = None

    @property
    def started_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop in which the application is up, once its scope ends; None while it is to stay up."""
        return self.loop if self.running and self._scope in self._suite.ending else None

    async def aclose(self) -> None:
        """Run the application's shutdown."""
        await self.stop()

    async def start(self) -> None:
        """Run the application's start-up."""
        self._suite.provider.prepare_start_up()
        if self._scope == "function" or self.loop is asyncio.get_running_loop():
            await super().start()
            return
        self._finish()
        self._wide_owner = Owner(f"the lifespan ({self._scope} scope)", "lifespan", self._scope)
        owner, checkpoints = self._wide_owner, self._suite.checkpoints
        frame = await beside_the_loop(lambda: checkpoints.begin(owner))
        try:
            with owned_by(owner):
                await super().start()
        finally:
            await beside_the_loop(lambda: checkpoints.end(frame))

    async def stop(self) -> None:
        """Run the application's shutdown, and take what its start-up wrote out of the baseline."""
        try:
            await super().stop()
        finally:
            self._finish()

    def _finish(self) -> None:
        if self._wide_owner is not None:
            self._suite.checkpoints.finish(self._wide_owner)
            self._wide_owner = None
