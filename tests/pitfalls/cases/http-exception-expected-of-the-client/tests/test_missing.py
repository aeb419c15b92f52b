import pytest
from fastapi import HTTPException


async def test_missing_author(http):
    with pytest.raises(HTTPException):
        await http.get("/authors/7")
