import pytest
from asgi_lifespan import LifespanManager
from httpx import ASGITransport, AsyncClient

from orders import config
from orders.application import create_app


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.setenv("DB_URL", f"sqlite+aiosqlite:///{tmp_path}/orders.db")
    config.get_settings.cache_clear()
    yield
    config.get_settings.cache_clear()


@pytest.fixture
async def client(settings):
    async with LifespanManager(create_app()) as manager:
        async with AsyncClient(transport=ASGITransport(manager.app), base_url="http://orders") as client:
            yield client
