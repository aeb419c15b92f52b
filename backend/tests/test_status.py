"""What the service says about itself, and what its lifespan does for that."""

from pathlib import Path

import anyio
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from backend.app.heartbeat import beating
from backend.tests.async_test_client import AsyncTestClient


async def test_root_says_what_this_is(async_client: AsyncTestClient) -> None:
    """The environment of pytest.ini was in place before the application was imported."""
    response = await async_client.get("/")
    assert response.json() == {"service": "hermetic's example service", "testing": True}


async def test_health_needs_no_database(async_client: AsyncTestClient) -> None:
    """The short health check says that the process answers."""
    response = await async_client.get("/health")
    assert response.json() == {"status": "ok"}


async def test_full_health_shows_the_heartbeat(async_client: AsyncTestClient) -> None:
    """The lifespan ran before the first request, and its state reaches the endpoint."""
    health = (await async_client.get("/api/health")).json()
    assert (health["status"], health["database"]) == ("ok", "ok")
    assert health["last_beat"] is not None


async def test_a_database_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """The heartbeat's first beat fails at once where nothing can be opened."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/file.db")
    with pytest.raises(OperationalError, match="unable to open"):
        async with beating(engine, every_seconds=60):
            raise AssertionError("the block was entered")
    await engine.dispose()


async def test_the_heart_keeps_beating() -> None:
    """Between the first beat and the end of the block there are more."""
    engine = create_async_engine("sqlite+aiosqlite://")
    async with beating(engine, every_seconds=0) as heartbeat:
        first = heartbeat.last_beat
        with anyio.fail_after(5):
            while heartbeat.last_beat == first:
                await anyio.sleep(0)
    await engine.dispose()
    assert first is not None
