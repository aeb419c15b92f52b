"""Tasks of users: every answer that the endpoints give."""

import pytest
from sqlalchemy.exc import IntegrityError

from backend.app.db import SessionMaker
from backend.app.models import Task
from backend.tests.async_test_client import AsyncTestClient


async def new_user(client: AsyncTestClient) -> str:
    """Make a user and return the address of their tasks."""
    user = await client.post("/api/users", json={"name": "Ada"})
    return f"/api/users/{user.json()['id']}/tasks"


async def test_give_a_task(async_client: AsyncTestClient) -> None:
    """A new task is not done, and is listed with its user."""
    tasks = await new_user(async_client)
    made = await async_client.post(tasks, json={"title": "Write the first program"})
    assert made.status_code == 201
    assert made.json()["done"] is False
    assert (await async_client.get(tasks)).json() == [made.json()]


async def test_each_user_has_their_own(async_client: AsyncTestClient) -> None:
    """A list of tasks shows those of one user."""
    ada, grace = await new_user(async_client), await new_user(async_client)
    await async_client.post(ada, json={"title": "Note G"})
    await async_client.post(grace, json={"title": "Find the bug"})
    assert [task["title"] for task in (await async_client.get(grace)).json()] == ["Find the bug"]


async def test_tick_off(async_client: AsyncTestClient) -> None:
    """A task can be done, and undone."""
    made = await async_client.post(await new_user(async_client), json={"title": "Note G"})
    task = f"/api/tasks/{made.json()['id']}"
    assert (await async_client.patch(task, json={"done": True})).json()["done"] is True
    assert (await async_client.patch(task, json={"done": False})).json()["done"] is False


async def test_nobody_there(async_client: AsyncTestClient) -> None:
    """A task needs a user who is there, and a change needs a task that is."""
    assert (await async_client.post("/api/users/1/tasks", json={"title": "Note G"})).status_code == 404
    assert (await async_client.get("/api/users/1/tasks")).status_code == 404
    assert (await async_client.patch("/api/tasks/1", json={"done": True})).status_code == 404


@pytest.mark.parametrize("body", [{}, {"title": " "}, {"title": "x" * 201}])
async def test_bad_input(async_client: AsyncTestClient, body: dict[str, str]) -> None:
    """A task without a title that fits is 422."""
    assert (await async_client.post(await new_user(async_client), json=body)).status_code == 422


async def test_the_database_knows_its_foreign_keys() -> None:
    """A task of nobody is refused by the database itself, on the connections that the application makes."""
    async with SessionMaker() as session:
        session.add(Task(user_id=99, title="Nobody's"))
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            await session.commit()
