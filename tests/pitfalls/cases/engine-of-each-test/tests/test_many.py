import pytest
from sqlalchemy import text


@pytest.mark.parametrize("number", range(120))
async def test_number(connection, number):
    assert await connection.scalar(text(f"select {number}")) == number
