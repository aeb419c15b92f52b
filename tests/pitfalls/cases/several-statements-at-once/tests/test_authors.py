from sqlalchemy import text

from books.database import engine

SQL = """
INSERT INTO authors (name) VALUES ('Ursula');
INSERT INTO authors (name) VALUES ('Octavia');
"""


async def test_listed(http):
    async with engine.begin() as connection:
        await connection.execute(text(SQL))
    assert (await http.get("/authors")).json() == ["Ursula", "Octavia"]
