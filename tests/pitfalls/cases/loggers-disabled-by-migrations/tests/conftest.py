import os

import httpx
import pytest
from alembic import command
from alembic.config import Config

from books.api import api


@pytest.fixture(scope="session", autouse=True)
def migrated():
    command.upgrade(Config("alembic.ini"), "head")
    yield
    if os.path.exists("books.db"):
        os.remove("books.db")


@pytest.fixture
async def http():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://books") as http:
        yield http
