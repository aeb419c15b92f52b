import books.pages
from books import covers


async def test_cover(http, monkeypatch):
    async def fake(title):
        return f"{title}.png"

    monkeypatch.setattr(covers, "fetch", fake)
    assert (await http.get("/covers/Nose")).status_code == 200
