import pytest
from httpx import ASGITransport, AsyncClient

from books.api import api
from books.database import Base, engine


class TestAuthors:
    @pytest.mark.asyncio
    async def test_tables(self):
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()

    async def test_add(self):
        async with AsyncClient(transport=ASGITransport(api), base_url="http://books") as client:
            assert (await client.get("/authors")).status_code == 200
