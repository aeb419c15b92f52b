from sqlalchemy import text

from books.database import engine

SQL = """
INSERT INTO authors (name) VALUES ('Ursula');
INSERT INTO authors (name) VALUES ('Octavia');
"""


async def test_listed(http):
    async with engine.begin() as connection:
        for statement in filter(str.strip, SQL.split(";")):
            await connection.execute(text(statement))
    assert (await http.get("/authors")).json() == ["Ursula", "Octavia"]
