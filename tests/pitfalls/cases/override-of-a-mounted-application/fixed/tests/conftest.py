import pytest
from httpx2 import ASGITransport, AsyncClient

from app.main import api, app, current_user


@pytest.fixture
async def client():
    api.dependency_overrides[current_user] = lambda: "ann"
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://test") as ac:
        yield ac
    api.dependency_overrides.clear()
