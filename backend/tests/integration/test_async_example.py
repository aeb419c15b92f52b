"""The tests that the guide names, and the one it shows: requests, rows, and a sync client beside them."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.app.main import app
from backend.tests.async_test_client import AsyncTestClient


@pytest.mark.asyncio
async def test_database_operations_async(async_client: AsyncTestClient, async_test_db: AsyncSession) -> None:
    """A row that the test commits is there for the application, and the other way round."""
    await async_test_db.execute(
        text("INSERT INTO users (name, created_at) VALUES ('by hand', CURRENT_TIMESTAMP)")
    )
    await async_test_db.commit()
    response = await async_client.post("/api/users", json={"name": "by request"})
    assert response.status_code == 201

    listed = await async_client.get("/api/users")
    assert [user["name"] for user in listed.json()] == ["by hand", "by request"]
    count = await async_test_db.scalar(text("SELECT count(*) FROM users"))
    assert count == 2


@pytest.mark.asyncio
async def test_health_endpoint_async(async_client: AsyncTestClient) -> None:
    """The health check answers in the test's own loop."""
    response = await async_client.get("/health")
    assert response.status_code == 200


def test_sync_compatibility() -> None:
    """A sync ``TestClient`` keeps working beside async tests, also where the endpoint commits."""
    client = TestClient(app)
    assert client.get("/").status_code == 200
    assert client.post("/api/users", json={"name": "test"}).status_code == 201


@pytest.mark.asyncio
async def test_create_user(async_client: AsyncTestClient, async_test_db: AsyncSession) -> None:
    """A user that a request made can be read through the test's own session."""
    response = await async_client.post("/api/users", json={"name": "test"})
    assert response.status_code == 201

    # Verify in database
    result = await async_test_db.execute(text("SELECT * FROM users WHERE name = 'test'"))
    user = result.fetchone()
    assert user is not None
