import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from books.tables import Author


async def test_add(client, session):
    assert (await client.post("/authors", json={"name": "Hugo"})).status_code == 201
    assert (await session.scalars(select(Author.name))).all() == ["Hugo"]


async def test_duplicate(client, hugo):
    assert (await client.post("/authors", json={"name": "Hugo"})).status_code == 409


async def test_expected_error(session, hugo):
    session.add(Author(name="Hugo"))
    with pytest.raises(IntegrityError):
        await session.commit()
    await session.rollback()
    assert (await session.scalars(select(Author.name))).all() == ["Hugo"]


async def test_refused_body(client):
    assert (await client.post("/authors", json={})).status_code == 422
