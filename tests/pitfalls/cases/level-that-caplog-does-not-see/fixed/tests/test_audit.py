import logging

from books import audit


async def test_nobody_is_noted(http, caplog):
    caplog.set_level(logging.INFO)
    audit.note("Gogol")
    assert "nobody of the name" in caplog.text
