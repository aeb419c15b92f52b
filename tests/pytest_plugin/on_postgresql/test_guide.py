"""The guide's promise on asyncpg: endpoints that commit, by the synchronous client and by many requests at once."""

from __future__ import annotations

from tests.pytest_plugin.project import Project

TESTS = """
import asyncio

import pytest
from fastapi.testclient import TestClient
from shop import app

TEN = [f"user {n}" for n in range(10)]


@pytest.mark.parametrize("again", range(2))
def test_ten_requests_outside_with(again):
    client = TestClient(app)
    assert [client.post("/users", json={"name": name}).json()["id"] for name in TEN] == list(range(1, 11))


@pytest.mark.parametrize("again", range(2))
def test_ten_requests_inside_with(again):
    with TestClient(app) as client:
        assert [client.post("/users", json={"name": name}).json()["id"] for name in TEN] == list(range(1, 11))
    assert TestClient(app).get("/users").json() == TEN


async def test_twenty_at_once_some_failing(async_client):
    answers = await asyncio.gather(
        *(async_client.post("/users", json={"name": f"user {n % 15}"}) for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 15 + [409] * 5
    winners = {answer.json()["name"] for answer in answers if answer.status_code == 201}
    assert set((await async_client.get("/users")).json()) == winners
    assert len(winners) == 15


async def test_nothing_is_left(async_client):
    assert (await async_client.get("/users")).json() == []
    assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 1
"""


def test_what_will_fail_passes(project: Project) -> None:
    """A module-level asyncpg engine, sync ``TestClient`` in and out of ``with``, and twenty requests at once."""
    project.write(test_shop_py=TESTS)
    result = project.pytest()
    assert result.outcomes() == {"passed": 6}, result.output
