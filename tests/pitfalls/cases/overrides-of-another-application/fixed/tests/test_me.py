import pytest
from httpx import ASGITransport, AsyncClient

from orders.me import who_asks
from orders.web import create_app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def logged_in(app):
    app.dependency_overrides[who_asks] = lambda: "me@example.org"


@pytest.fixture
async def client(app):
    async with AsyncClient(transport=ASGITransport(app), base_url="http://orders") as client:
        yield client


async def test_me(client, logged_in):
    assert (await client.get("/me")).json() == "me@example.org"
