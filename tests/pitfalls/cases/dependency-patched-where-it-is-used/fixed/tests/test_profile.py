from books.api import api
from books.profile import current_reader


async def test_profile(http, monkeypatch):
    monkeypatch.setitem(api.dependency_overrides, current_reader, lambda: "Gogol")
    assert (await http.get("/profile")).status_code == 200
