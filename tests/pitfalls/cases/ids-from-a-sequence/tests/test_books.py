import pytest


@pytest.mark.parametrize("title", ["Emma", "Persuasion"])
async def test_book_of_the_first_author(client, title):
    await client.post("/authors", json={"name": "Jane"})
    response = await client.post("/books", json={"title": title, "author_id": 1})
    assert response.status_code == 201
