"""Applications whose lifespans the tests follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from fastapi import FastAPI

from hermetic.client._asgi import Message, Receive, Scope, Send

color: ContextVar[str] = ContextVar("color", default="none")


class Logged:
    """A FastAPI application that notes what its lifespan does, with a task group in it."""

    def __init__(self, *, up: BaseException | None = None, down: BaseException | None = None) -> None:
        self.log: list[str] = []
        self.tasks: list[Any] = []
        self.up, self.down = up, down
        self.api = FastAPI(lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        self.tasks.append(asyncio.current_task())
        color.set("of the lifespan")
        if self.up:
            raise self.up
        async with asyncio.TaskGroup() as group:
            poller = group.create_task(self._poll())
            self.log.append("up")
            yield {"answer": 42}
            self.tasks.append(asyncio.current_task())
            await asyncio.sleep(0)
            self.log.append("down")
            poller.cancel()
        if self.down:
            raise self.down

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(0)


def protocol(*answers: Message, asks: int = 2) -> Any:
    """Make an application that asks for ``asks`` messages of its lifespan, and gives these answers after the first."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for number in range(asks):
            await receive()
            for answer in answers if number == 0 else ():
                await send(answer)

    return app


COMPLETE = {"type": "lifespan.startup.complete"}
FAILED = {"type": "lifespan.startup.failed", "message": "no database"}
