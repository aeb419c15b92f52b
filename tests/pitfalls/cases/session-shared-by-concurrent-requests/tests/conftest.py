import pytest
from httpx import ASGITransport, AsyncClient
from sqlmodel.ext.asyncio.session import AsyncSession

from main import app, db, engine, lifespan


@pytest.fixture
async def client():
    async with lifespan(app), AsyncSession(engine, expire_on_commit=False) as only:
        app.dependency_overrides[db] = lambda: only
        async with AsyncClient(transport=ASGITransport(app), base_url="http://pets") as client:
            yield client
        app.dependency_overrides.clear()
