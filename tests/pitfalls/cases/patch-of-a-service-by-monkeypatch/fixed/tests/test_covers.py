import books.pages


async def test_cover(http, monkeypatch):
    async def fake(title):
        return f"{title}.png"

    monkeypatch.setattr(books.pages, "fetch", fake)
    assert (await http.get("/covers/Nose")).status_code == 200
