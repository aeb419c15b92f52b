import httpx
import pytest

from orders.application import create_app


@pytest.fixture
async def client(tmp_path, monkeypatch):
    app = create_app()
    monkeypatch.chdir(tmp_path)
    async with app.router.lifespan_context(app):
        yield httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orders")


async def test_no_customers(client):
    async with client:
        assert (await client.get("/customers")).json() == []
