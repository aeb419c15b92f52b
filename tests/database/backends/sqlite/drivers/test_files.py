"""Which file a text of the environment means."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from hermetic.database.address import address_of
from hermetic.database.backends.sqlite.drivers.files import is_a_file, names

FILE = address_of(make_url("sqlite:////srv/shop/data/app.db"))


@pytest.mark.parametrize(
    "text",
    [
        "data/app.db",
        "/srv/shop/data/app.db",
        "sqlite:///data/app.db",
        "sqlite+aiosqlite:////srv/shop/data/app.db?timeout=5",
        "sqlite://data/app.db",
    ],
)
def test_it_is_named(text: str) -> None:
    """By a path, or by a URL of SQLAlchemy's or of an ORM's."""
    assert names(text, FILE, "/srv/shop")


@pytest.mark.parametrize(
    "text", ["", "app.db", "postgresql://db/app.db", "sqlite:///other/app.db", "see data/app.db"]
)
def test_it_is_not(text: str) -> None:
    """Another path, another kind of database, or more than a path."""
    assert not names(text, FILE, "/srv/shop")


@pytest.mark.parametrize(
    ("database", "uri", "expected"),
    [
        ("app.db", False, True),
        (b"app.db", False, True),
        (":memory:", False, False),
        ("", False, False),
        ("file:app.db?mode=memory", True, False),
        ("file:app.db?mode=memory", False, True),
        (7, False, False),
    ],
)
def test_what_is_a_file(database: object, uri: bool, expected: bool) -> None:
    """Neither a database in memory nor what sqlite3 itself refuses is."""
    assert is_a_file(database, uri) is expected
