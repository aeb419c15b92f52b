from books import audit


async def test_nobody_is_noted(http, caplog):
    assert (await http.get("/authors/7")).status_code == 404
    audit.note("Gogol")
    assert "nobody of the name" in caplog.text
