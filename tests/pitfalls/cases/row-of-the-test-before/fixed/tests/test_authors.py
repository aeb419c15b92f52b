import pytest


@pytest.fixture
async def austen(client):
    return (await client.post("/authors", json={"name": "Austen"})).json()


async def test_author_is_shown(client, austen):
    response = await client.get(f"/authors/{austen['id']}")
    assert response.json()["name"] == "Austen"
