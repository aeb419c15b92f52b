import pytest
from sqlalchemy.exc import DBAPIError

from books.database import Session
from books.tables import Shelf


@pytest.mark.usefixtures("http")
async def test_label():
    async with Session() as session:
        session.add(Shelf(label="too long"))
        with pytest.raises(DBAPIError):
            await session.flush()
