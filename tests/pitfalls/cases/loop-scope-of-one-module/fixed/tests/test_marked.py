import pytest
from sqlalchemy import text

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two(connection):
    assert await connection.scalar(text("select 2")) == 2
