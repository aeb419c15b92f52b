import pytest


@pytest.mark.parametrize("title", ["Emma", "Persuasion"])
async def test_book_of_an_author(client, title):
    author = (await client.post("/authors", json={"name": "Jane"})).json()
    response = await client.post("/books", json={"title": title, "author_id": author["id"]})
    assert response.status_code == 201
