"""A test that needed what another one had left is told so, with its rows; one that failed by itself is not."""

from __future__ import annotations

from tests.pytest_plugin.project import Project
from tests.pytest_plugin.saying import said

TESTS = """
async def test_create(async_client):
    assert (await async_client.post("/users", json={"name": "Ann"})).status_code == 201

async def test_list(async_client):
    assert (await async_client.get("/users")).json() == ["Ann"]

async def test_count(async_client):
    await async_client.post("/users", json={"name": "Bob"})
    assert len((await async_client.get("/users")).json()) == 2
"""

OTHERS = """
import pytest
from shop import SessionLocal, User

pytestmark = pytest.mark.usefixtures("wide")

@pytest.fixture(scope="module")
async def wide():
    async with SessionLocal() as session:
        session.add(User(name="Wide"))
        await session.commit()

async def test_create(async_client):
    assert (await async_client.post("/users", json={"name": "Ann"})).status_code == 201

async def test_own_rows(async_client):
    await async_client.post("/users", json={"name": "Cid"})
    assert (await async_client.get("/users")).json() == ["Cid"]

async def test_nothing_read(async_client):
    assert (await async_client.get("/nothing")).status_code == 200

async def test_wrong(async_client):
    assert (await async_client.get("/users")).json() == ["Dan"]
"""


def needs_another(project: Project) -> None:
    """Run both kinds, with the isolation of a test and of a module."""
    project.write(test_a_py=TESTS, test_b_py=OTHERS)
    result = project.pytest("--tb=short", "-p", "no:randomly")
    said(
        result,
        f"test_a.py::test_list read users and found nothing ({project.root}/shop.py:57): what earlier tests",
        "test_a.py::test_count read users without the rows of other tests",
        "  users: 1 row inserted by test_a.py::test_create",
        'change: to see that this is why: pytestmark = pytest.mark.hermetic(isolation="module")',
    )
    assert result.outcomes() == {"failed": 5, "passed": 2}, result.output
    assert result.output.count("[HM730]") == 2, result.output
    project.write(test_a_py=f'import pytest\npytestmark = pytest.mark.hermetic(isolation="module")\n{TESTS}')
    assert project.pytest("test_a.py").outcomes() == {"passed": 3}


def test_on_sqlite(project: Project) -> None:
    """As everywhere."""
    needs_another(project)
