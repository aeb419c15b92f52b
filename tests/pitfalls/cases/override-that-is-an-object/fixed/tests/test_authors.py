from books.api import api
from books.database import Session, get_session


async def test_list(http):
    async with Session() as session:
        api.dependency_overrides[get_session] = lambda: session
        answer = await http.get("/authors")
    assert answer.json() == []
