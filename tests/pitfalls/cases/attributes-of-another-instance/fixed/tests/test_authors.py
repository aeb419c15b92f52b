import pytest


class TestAuthors:
    @pytest.fixture(scope="class")
    def author(self):
        return {"name": "Gogol"}

    async def test_add(self, http, author):
        assert (await http.post("/authors", json=author)).status_code == 201
