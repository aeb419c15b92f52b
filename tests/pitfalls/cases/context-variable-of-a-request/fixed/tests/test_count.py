import books.counting
from books.context import current_session
from books.database import Session
from books.service import count


async def test_count(http):
    await http.post("/authors", json={"name": "Gogol"})
    async with Session() as session:
        current_session.set(session)
        assert await count() == 1
