import pytest


@pytest.mark.anyio
class TestAuthors:
    async def test_add(self, client):
        assert (await client.post("/authors", json={"name": "Sappho"})).status_code == 201
