import pytest


@pytest.mark.parametrize("attempt", [1, 2])
async def test_add(client, attempt):
    assert (await client.post("/authors", json={"name": "Musil"})).status_code == 201
