import pytest


@pytest.mark.parametrize("attempt", range(25))
async def test_add(client, attempt):
    assert (await client.post("/authors", json={"name": "Dickens"})).status_code == 201
    assert (await client.get("/authors")).json() == ["Dickens"]
