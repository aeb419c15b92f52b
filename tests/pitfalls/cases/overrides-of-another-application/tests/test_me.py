import pytest
from httpx import ASGITransport, AsyncClient

from orders.me import who_asks
from orders.web import create_app


@pytest.fixture
def logged_in():
    create_app().dependency_overrides[who_asks] = lambda: "me@example.org"


@pytest.fixture
async def client():
    async with AsyncClient(transport=ASGITransport(create_app()), base_url="http://orders") as client:
        yield client


async def test_me(client, logged_in):
    assert (await client.get("/me")).json() == "me@example.org"
