"""Many requests at once, in one test: what one shared connection wrapped in savepoints cannot do."""

import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.app.models import User
from backend.tests.async_test_client import AsyncTestClient


async def test_twenty_posts_at_once(async_client: AsyncTestClient, async_db_session: AsyncSession) -> None:
    """Each 201 has its row, under an id of its own."""
    answers = await asyncio.gather(
        *(async_client.post("/api/users", json={"name": f"user {number}"}) for number in range(20))
    )
    assert [answer.status_code for answer in answers] == [201] * 20
    rows = (await async_db_session.execute(select(User.id, User.name))).all()
    assert sorted(rows) == sorted((answer.json()["id"], answer.json()["name"]) for answer in answers)


async def test_some_fail_and_roll_back(async_client: AsyncTestClient, async_db_session: AsyncSession) -> None:
    """Twenty posts for ten addresses: ten win, ten get 409, and only the winners have rows."""
    answers = await asyncio.gather(
        *(
            async_client.post("/api/users", json={"name": f"user {n}", "email": f"{n % 10}@example.org"})
            for n in range(20)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [409] * 10
    winners = {answer.json()["name"] for answer in answers if answer.status_code == 201}
    assert set(await async_db_session.scalars(select(User.name))) == winners


async def test_nothing_is_left(async_db_session: AsyncSession) -> None:
    """The rows that the tests above committed are gone."""
    assert (await async_db_session.scalars(select(User))).all() == []
