import pytest
from httpx2 import ASGITransport, AsyncClient

from app.main import app, current_user


@pytest.fixture
async def client():
    app.dependency_overrides[current_user] = lambda: "ann"
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as ac:
        yield ac
    app.dependency_overrides.clear()
