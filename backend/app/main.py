"""The application object: ``uvicorn backend.app.main:app`` from the repository's root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from fastapi import FastAPI

from .config import get_settings
from .db import engine
from .heartbeat import Heartbeat, beating
from .routers import status, tasks, users


class State(TypedDict):
    """What the lifespan hands to each request."""

    heartbeat: Heartbeat


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
    """Watch the database while the service runs, and close its connections at the end."""
    try:
        async with beating(engine, get_settings().heartbeat_seconds) as heartbeat:
            yield {"heartbeat": heartbeat}
    finally:
        await engine.dispose()


app = FastAPI(title="hermetic's example service", lifespan=lifespan)
app.include_router(status.router)
app.include_router(users.router)
app.include_router(tasks.router)
