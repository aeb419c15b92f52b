"""The session that ``async_db_session`` hands out."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


class FixtureSession:
    """An ``AsyncSession`` that remembers the event loop in which its connection was checked out."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.session = AsyncSession(engine, expire_on_commit=False)
        self._loop: asyncio.AbstractEventLoop | None = None
        event.listen(self.session.sync_session, "after_begin", self._note_loop)

    @property
    def started_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop whose connection the session holds; None while it holds none."""
        return self._loop if self.session.in_transaction() else None

    async def aclose(self) -> None:
        """Roll back what is uncommitted and give the connection back; the next statement connects again."""
        await self.session.close()

    def _note_loop(self, *_: Any) -> None:
        self._loop = asyncio.get_running_loop()
