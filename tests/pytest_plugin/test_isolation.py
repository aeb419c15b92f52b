"""What one test writes, the next does not find; what a wider fixture wrote, it finds for as long as that lives."""

from __future__ import annotations

import pytest

from tests.pytest_plugin.project import Project

POST = """
async def post(client, name):
    return (await client.post("/users", json={"name": name})).json()["id"]
"""


def passes(project: Project, expected: int, *arguments: str) -> None:
    """Run the project; all must pass."""
    result = project.pytest(*arguments)
    assert result.outcomes() == {"passed": expected}, result.output


def test_commits_are_undone_and_ids_start_again(project: Project) -> None:
    """Each test really commits, and gets the same ids."""
    project.write(
        test_shop_py=POST
        + """
async def test_a(async_client):
    assert [await post(async_client, "a"), await post(async_client, "b")] == [1, 2]

async def test_b(async_client):
    assert (await async_client.get("/users")).json() == []
    assert await post(async_client, "a") == 1
"""
    )
    passes(project, 2)
    assert not (project.root / "production.db").exists()


def test_tables_made_in_a_test_are_gone(project: Project) -> None:
    """Restore undoes DDL."""
    project.write(
        test_shop_py="""
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

async def test_a(async_test_db):
    await async_test_db.execute(text("CREATE TABLE extra (id INTEGER)"))
    await async_test_db.execute(text("DROP TABLE users"))
    await async_test_db.commit()

async def test_b(async_test_db):
    with pytest.raises(OperationalError, match="no such table: extra"):
        await async_test_db.execute(text("SELECT * FROM extra"))
    await async_test_db.execute(text("SELECT * FROM users"))
"""
    )
    passes(project, 2)


WIDE = """
import pytest
from shop import SessionLocal, User

async def names(client):
    return (await client.get("/users")).json()

async def write(name):
    async with SessionLocal() as session:
        session.add(User(name=name))
        await session.commit()

@pytest.fixture(scope="module")
async def catalogue():
    await write("catalogue")
    yield "catalogue"

@pytest.fixture(scope="session")
async def everywhere():
    await write("everywhere")
    yield "everywhere"
"""


def test_a_module_fixture_lives_as_long_as_its_module(project: Project) -> None:
    """What it wrote is there for each test of the module, and for none of the next."""
    project.write(conftest_py=WIDE)
    project.write(
        test_a_py="""
from conftest import names

async def test_one(catalogue, async_client):
    assert await names(async_client) == ["catalogue"]
    await async_client.post("/users", json={"name": "one"})

async def test_two(catalogue, async_client):
    assert await names(async_client) == ["catalogue"]
""",
        test_b_py="""
from conftest import names

async def test_three(async_client):
    assert await names(async_client) == []
""",
    )
    passes(project, 3)


def test_layers_come_apart_in_any_order(project: Project) -> None:
    """A session fixture first asked for by a module's second test outlives a module fixture set up before it."""
    project.write(conftest_py=WIDE)
    project.write(
        test_a_py="""
from conftest import names

async def test_one(catalogue, async_client):
    assert await names(async_client) == ["catalogue"]

async def test_two(everywhere, async_client):
    assert await names(async_client) == ["catalogue", "everywhere"]
""",
        test_b_py="""
from conftest import names

async def test_three(async_client):
    assert await names(async_client) == ["everywhere"]
""",
    )
    passes(project, 3)


def test_what_a_test_wrote_before_it_asked_is_not_kept(project: Project) -> None:
    """``getfixturevalue`` in a test's body keeps the fixture's rows, and not the test's."""
    project.write(
        test_a_py="""
import pytest
from fastapi.testclient import TestClient
from shop import app

@pytest.fixture(scope="module")
def catalogue():
    TestClient(app).post("/users", json={"name": "catalogue"})

def names():
    return TestClient(app).get("/users").json()

def test_one(request):
    TestClient(app).post("/users", json={"name": "mine"})
    request.getfixturevalue("catalogue")
    assert names() == ["mine", "catalogue"]

def test_two():
    assert names() == ["catalogue"]
"""
    )
    passes(project, 2)


@pytest.mark.parametrize(
    ("isolation", "seen"),
    [
        ("test", [[], [], []]),
        ("class", [[], ["x"], []]),
        ("module", [[], ["x"], ["x"]]),
        ("none", [[], ["x"], ["x"]]),
    ],
)
def test_isolation_says_how_often_the_baseline_comes_back(
    project: Project, isolation: str, seen: list[list[str]]
) -> None:
    """By test, class, module, or never."""
    project.write(
        test_a_py=f"""
class TestOne:
    async def test_1(self, async_client):
        assert (await async_client.get("/users")).json() == {seen[0]}
        await async_client.post("/users", json={{"name": "x"}})

    async def test_2(self, async_client):
        assert (await async_client.get("/users")).json() == {seen[1]}

class TestTwo:
    async def test_3(self, async_client):
        assert (await async_client.get("/users")).json() == {seen[2]}
"""
    )
    passes(project, 3, "--hermetic-isolation", isolation)


def test_the_mark_changes_the_isolation_of_a_class(project: Project) -> None:
    """``@pytest.mark.hermetic(isolation="class")`` lets the tests of a class build on each other."""
    project.write(
        test_a_py="""
import pytest

@pytest.mark.hermetic(isolation="class")
class TestStory:
    async def test_1(self, async_client):
        await async_client.post("/users", json={"name": "x"})

    async def test_2(self, async_client):
        assert (await async_client.get("/users")).json() == ["x"]

async def test_3(async_client):
    assert (await async_client.get("/users")).json() == []
"""
    )
    passes(project, 3)


def test_twenty_concurrent_posts_some_failing(project: Project) -> None:
    """Each 201 has its row, each 409 has none, and nothing is ever locked."""
    project.write(
        test_a_py="""
import asyncio
import pytest

@pytest.mark.parametrize("again", range(5))
async def test_many(async_client, again):
    posts = [async_client.post("/users", json={"name": f"user {n % 15}"}) for n in range(20)]
    statuses = [response.status_code for response in await asyncio.gather(*posts)]
    assert sorted(statuses) == [201] * 15 + [409] * 5
    assert len((await async_client.get("/users")).json()) == 15
"""
    )
    passes(project, 5)


def test_each_hypothesis_example_starts_from_the_fixtures_rows(project: Project) -> None:
    """Restore runs between examples, async and sync, and keeps what function-scoped fixtures wrote."""
    project.write(
        test_a_py="""
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings, strategies as st
from shop import SessionLocal, User, app

allowed = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

@pytest.fixture
async def user():
    async with SessionLocal() as session:
        session.add(User(name="fixture"))
        await session.commit()

@allowed
@given(name=st.text("abc", min_size=1))
async def test_async(user, async_client, async_test_db, name):
    assert (await async_client.post("/users", json={"name": name})).json()["id"] == 2
    assert [u.name for u in await async_test_db.scalars(__import__("sqlalchemy").select(User))] == ["fixture", name]

@allowed
@given(name=st.text("abc", min_size=1))
def test_sync(user, name):
    assert TestClient(app).post("/users", json={"name": name}).json()["id"] == 2

async def test_after(async_client):
    assert (await async_client.get("/users")).json() == []
"""
    )
    passes(project, 3)


def test_wide_lifespans_start_once_and_what_they_write_stays(project: Project) -> None:
    """``hermetic_lifespan_scope = session`` starts the application once; its start-up's rows are in the baseline."""
    project.write_path(
        "costly.py",
        """
        from contextlib import asynccontextmanager
        import pathlib
        from shop import SessionLocal, User, app

        @asynccontextmanager
        async def lifespan(app):
            async with SessionLocal() as session:
                session.add(User(name="admin"))
                await session.commit()
            with open("starts.log", "a") as log:
                log.write("start ")
            yield
            with open("starts.log", "a") as log:
                log.write("stop ")

        app.router.lifespan_context = lifespan
        """,
    )
    project.write(
        pytest_ini="""
        [pytest]
        hermetic_app = costly:app
        hermetic_lifespan_scope = session
        pythonpath = .
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = session
        asyncio_default_test_loop_scope = session
        """,
        test_a_py="""
        async def test_1(async_client):
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 2

        async def test_2(async_client):
            assert (await async_client.get("/users")).json() == ["admin"]
        """,
        test_b_py="""
        async def test_3(async_client):
            assert (await async_client.get("/users")).json() == ["admin"]
        """,
    )
    passes(project, 3)
    assert (project.root / "starts.log").read_text() == "start stop "


def test_the_next_parameter_of_a_wide_fixture_finds_a_clean_database(project: Project) -> None:
    """pytest ends the fixture of the last parameter only in the set-up of the test that asks for the next."""
    project.write(
        test_rows_py="""
        import pytest
        from shop import SessionLocal, User


        @pytest.fixture(scope="module", params=["Ada", "Bob", "Ada again"])
        async def rows(request):
            async with SessionLocal() as session:
                session.add(User(name="unique"))
                session.add(User(name=request.param))
                await session.commit()
            return request.param


        @pytest.mark.parametrize("again", [1, 2])
        async def test_rows(rows, again, async_client):
            assert (await async_client.get("/users")).json() == ["unique", rows]
            assert (await async_client.post("/users", json={"name": "x"})).json()["id"] == 3
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 6}, result.output


def test_a_parametrization_that_widens_a_fixture(project: Project) -> None:
    """What it wrote stays for as long as pytest keeps it."""
    project.write(
        test_rows_py="""
        import pytest
        from shop import SessionLocal, User


        @pytest.fixture
        async def row(request):
            async with SessionLocal() as session:
                session.add(User(name=request.param))
                await session.commit()


        @pytest.mark.parametrize("row", ["Ada"], indirect=True, scope="class")
        class TestIt:
            @pytest.mark.parametrize("again", [1, 2])
            async def test_it(self, row, again, async_client):
                assert (await async_client.get("/users")).json() == ["Ada"]


        async def test_after(async_client):
            assert (await async_client.get("/users")).json() == []
        """
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output
