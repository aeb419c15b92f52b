"""Of a database that others use it is said which engines lead to it."""

from __future__ import annotations

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.database import EngineResolved
from hermetic.explain.history import History
from tests.explain.failing import said


def test_a_database_in_use(history: History) -> None:
    """The engines for that database, by their lines, and no others."""
    for line, name in ((3, "shop_test"), (4, "shop"), (5, "shop_test?ssl=1")):
        url = f"postgresql+asyncpg://u@h/{name}"
        emit(
            EngineResolved(None, Location("/shop/conftest.py", line, ""), url, "", "left alone", engine=line)
        )
    text = said(Exception('database "shop_test" is being accessed by other users'), history)
    assert "needs the database shop_test for itself" in text
    assert "the engine made at /shop/conftest.py:3, the engine made at /shop/conftest.py:5." in text
    assert "/shop/conftest.py:4" not in text
    assert 'DROP DATABASE "shop_test" WITH (FORCE)' in text
