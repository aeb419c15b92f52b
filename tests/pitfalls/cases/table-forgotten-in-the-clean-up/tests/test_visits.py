import pytest
from sqlalchemy import func, select

from main import engine
from visits import Visit


@pytest.mark.parametrize("reason", ["cough", "limp"])
async def test_visit(client, reason):
    await client.post("/visits", params={"reason": reason})
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count(Visit.id))) == 1
