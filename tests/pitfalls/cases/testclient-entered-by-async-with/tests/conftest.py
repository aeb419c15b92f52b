import pytest
from fastapi.testclient import TestClient

from books.api import api


@pytest.fixture
async def client():
    async with TestClient(api) as client:
        yield client
