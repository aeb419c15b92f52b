from pathlib import Path


async def test_the_developers_file_is_not_used(client):
    assert (await client.post("/authors", json={"name": "Twain"})).status_code == 201
    assert not Path("books.db").exists()
