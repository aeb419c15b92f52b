import httpx
import pytest

from jobs import app


@pytest.fixture
async def client():
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://jobs") as client:
            yield client


async def test_jobs(client):
    before = (await client.get("/jobs")).json() or 0
    await client.post("/jobs", params={"number": 3})
    assert (await client.get("/jobs")).json() - before == 9


async def test_more_jobs(client):
    before = (await client.get("/jobs")).json() or 0
    await client.post("/jobs", params={"number": -2})
    assert (await client.get("/jobs")).json() - before == 4
