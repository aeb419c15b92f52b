"""A task that runs as long as the service does, and looks at the database from time to time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import anyio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from .models import now


class Heartbeat:
    """Remembers when the database last answered.

    Attributes:
        last_beat: The moment of the last answer, in UTC; None before the first.
    """

    def __init__(self, engine: AsyncEngine, every_seconds: float) -> None:
        self._engine = engine
        self._every_seconds = every_seconds
        self.last_beat: datetime | None = None

    async def beat(self) -> None:
        """Ask the database for an answer."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        self.last_beat = now()

    async def keep_beating(self) -> None:
        """Beat until cancelled."""
        while True:
            await anyio.sleep(self._every_seconds)
            await self.beat()


@asynccontextmanager
async def beating(engine: AsyncEngine, every_seconds: float) -> AsyncIterator[Heartbeat]:
    """Keep a heartbeat going inside the block; a database that does not answer at once is an error."""
    heartbeat = Heartbeat(engine, every_seconds)
    await heartbeat.beat()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(heartbeat.keep_beating)
        yield heartbeat
        tasks.cancel_scope.cancel()
