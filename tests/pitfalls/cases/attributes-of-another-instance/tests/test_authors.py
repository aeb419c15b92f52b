import pytest


class TestAuthors:
    @pytest.fixture(scope="class", autouse=True)
    def prepared(self):
        self.author = {"name": "Gogol"}

    async def test_add(self, http):
        assert (await http.post("/authors", json=self.author)).status_code == 201
