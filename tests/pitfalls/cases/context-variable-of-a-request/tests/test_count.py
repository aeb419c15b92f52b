import books.counting
from books.service import count


async def test_count(http):
    await http.post("/authors", json={"name": "Gogol"})
    assert await count() == 1
