from books import audit


async def test_nobody_is_noted(http, caplog):
    audit.note("Gogol")
    assert "nobody of the name" in caplog.text
