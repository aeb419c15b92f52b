"""Users: every answer that the endpoints give."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.app.models import Task, User
from backend.tests.async_test_client import AsyncTestClient


async def test_a_name_is_enough(async_client: AsyncTestClient) -> None:
    """A user without an e-mail address is made; ids start at one in each test."""
    response = await async_client.post("/api/users", json={"name": "Ada"})
    assert response.status_code == 201
    made = response.json()
    assert (made["id"], made["name"], made["email"]) == (1, "Ada", None)


async def test_read_back(async_client: AsyncTestClient) -> None:
    """What POST answered is what GET answers, to the microsecond."""
    made = await async_client.post("/api/users", json={"name": "Ada", "email": "ada@example.org"})
    read = await async_client.get(f"/api/users/{made.json()['id']}")
    assert read.status_code == 200
    assert read.json() == made.json()


async def test_list_by_page(async_client: AsyncTestClient, async_db_session: AsyncSession) -> None:
    """A page starts after the last id of the page before."""
    async_db_session.add_all([User(name=name) for name in ("Ada", "Grace", "Edsger")])
    await async_db_session.commit()
    first = (await async_client.get("/api/users", params={"limit": 2})).json()
    second = (await async_client.get("/api/users", params={"limit": 2, "after": first[-1]["id"]})).json()
    assert [user["name"] for user in first + second] == ["Ada", "Grace", "Edsger"]


async def test_nobody_there(async_client: AsyncTestClient) -> None:
    """An id that nobody has is 404, whatever one asks of it; and the list is empty."""
    assert (await async_client.get("/api/users/1")).status_code == 404
    assert (await async_client.delete("/api/users/1")).status_code == 404
    assert (await async_client.get("/api/users")).json() == []


async def test_an_address_belongs_to_one(
    async_client: AsyncTestClient, async_db_session: AsyncSession
) -> None:
    """The second user with an address is refused, in any case of letters, and leaves no row."""
    first = await async_client.post("/api/users", json={"name": "Ada", "email": "ada@example.org"})
    second = await async_client.post("/api/users", json={"name": "Eve", "email": "ADA@example.org"})
    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json() == {"detail": "ada@example.org is taken"}
    assert await async_db_session.scalar(select(func.count(User.id))) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": None},
        {"name": "Ada", "email": "nowhere"},
        {"name": "Ada", "email": ""},
        [],
    ],
)
async def test_bad_input(async_client: AsyncTestClient, async_db_session: AsyncSession, body: Any) -> None:
    """Input that makes no user is 422 and leaves no row."""
    assert (await async_client.post("/api/users", json=body)).status_code == 422
    assert await async_db_session.scalar(select(func.count(User.id))) == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many", "after=-1"])
async def test_bad_page(async_client: AsyncTestClient, query: str) -> None:
    """A page that cannot be is 422."""
    assert (await async_client.get(f"/api/users?{query}")).status_code == 422


async def test_tasks_go_with_their_user(
    async_client: AsyncTestClient, async_db_session: AsyncSession
) -> None:
    """Deleting a user deletes their tasks: foreign keys are enforced in tests as in production."""
    async_db_session.add(User(id=7, name="Ada"))
    await async_db_session.flush()
    async_db_session.add(Task(user_id=7, title="Write the first program"))
    await async_db_session.commit()
    assert (await async_client.delete("/api/users/7")).status_code == 204
    assert await async_db_session.scalar(select(func.count(Task.id))) == 0
