"""Databases that code under test makes where no engine's statement tells: by a raw driver, or by a program."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from tests.database.backends.postgresql.shared_server import URL
from tests.pytest_plugin.on_postgresql.test_servers import BINARIES, needs_server
from tests.pytest_plugin.project import Project

MAKING = """
import subprocess
import sys

import asyncpg
import psycopg
import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

SERVER = "postgresql://me:secret@db.example"


def with_psycopg(statement):
    with psycopg.connect(SERVER + "/postgres", autocommit=True) as connection:
        connection.execute(statement)


def with_psycopg2(statement):
    connection = psycopg2.connect(SERVER + "/postgres")
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


async def with_asyncpg(statement):
    connection = await asyncpg.connect(SERVER + "/postgres")
    await connection.execute(statement)
    await connection.close()


def with_a_pool(statement):
    "By what is below SQLAlchemy, where no event tells."
    engine = create_engine("postgresql+psycopg2://me:secret@db.example/postgres")
    connection = engine.raw_connection()
    connection.driver_connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()
    engine.dispose()


def values(database, query, *statements):
    with psycopg.connect(f"{SERVER}/{database}", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
        return [value for (value,) in connection.execute(query).fetchall()]


def names():
    query = "SELECT datname FROM pg_database WHERE datname ~ '^(made|Made|tmpl)' ORDER BY 1"
    return values("postgres", query)
"""

OF_TESTS = (
    MAKING
    + """
@pytest.mark.parametrize("make", [with_psycopg, with_psycopg2, with_a_pool])
@pytest.mark.parametrize("again", range(2))
def test_of_a_test(make, again):
    assert names() == []
    make('CREATE DATABASE "Made here"')
    make("CREATE DATABASE made")
    assert names() == ["Made here", "made"]
    engine = create_engine("postgresql+psycopg://me:secret@db.example/made")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (id serial PRIMARY KEY)"))
        assert connection.scalar(text("SELECT current_database()")) == "made"
    engine.dispose()
    assert values("made", "SELECT id FROM notes ORDER BY 1", "INSERT INTO notes DEFAULT VALUES") == [1]


@pytest.mark.parametrize("again", range(2))
async def test_by_asyncpg(again):
    assert names() == []
    await with_asyncpg("CREATE DATABASE made")
    engine = create_async_engine("postgresql+asyncpg://me:secret@db.example/made")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE notes (id serial PRIMARY KEY)"))
    await engine.dispose()
    assert values("made", "SELECT count(*) FROM notes") == [0]
    await with_asyncpg("DROP DATABASE made")
    await with_asyncpg("CREATE DATABASE made")
    assert values("made", "SELECT to_regclass('notes')") == [None]


class Janitor:
    "The shape of pytest-postgresql's: a template that a fixture fills, and a copy of it for each test."

    def __init__(self, name, template):
        self.name, self.template = name, template

    def __enter__(self):
        with_psycopg(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"')
        return f"{SERVER}/{self.name}"

    def __exit__(self, *error):
        with_psycopg(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")
        with_psycopg(f'DROP DATABASE IF EXISTS "{self.name}"')


@pytest.fixture(scope="session")
def template():
    with_psycopg("CREATE DATABASE tmpl")
    values("tmpl", "SELECT 1", "CREATE TABLE notes (id serial PRIMARY KEY)", "INSERT INTO notes DEFAULT VALUES")
    with_psycopg("ALTER DATABASE tmpl IS_TEMPLATE true")
    return "tmpl"


@pytest.fixture
def copy(template):
    with Janitor("made", template) as url:
        yield url


@pytest.mark.parametrize("again", range(3))
def test_copies(copy, again):
    assert names() == ["made", "tmpl"]
    assert values("made", "SELECT id FROM notes ORDER BY 1", "INSERT INTO notes DEFAULT VALUES") == [1, 2]
    if again == 1:
        values("tmpl", "SELECT 1", "INSERT INTO notes DEFAULT VALUES")  # undone
"""
)


def test_those_of_tests(project: Project) -> None:
    """Are what an engine's would be: reached by their names, and gone in the next test, which may make them again."""
    project.write(test_a_py=OF_TESTS)
    result = project.pytest()
    assert result.outcomes() == {"passed": 11}, result.output


def test_those_of_wider_fixtures(project: Project) -> None:
    """Stay for their tests, with the rows that the fixture wrote; the suite drops them itself, or the run does."""
    project.write(
        conftest_py=MAKING
        + """
@pytest.fixture(scope="session")
def made():
    with_psycopg("CREATE DATABASE made")
    values("made", "SELECT 1", "CREATE TABLE notes (id serial PRIMARY KEY)", "INSERT INTO notes DEFAULT VALUES")


@pytest.fixture(scope="module")
def of_a_module():
    with_psycopg2("CREATE DATABASE made_too")
    yield
    with_psycopg2("DROP DATABASE made_too")
""",
        test_a_py="""
        import pytest
        from conftest import names, values, with_psycopg

        @pytest.mark.parametrize("again", range(3))
        def test_it(made, of_a_module, again):
            assert names() == ["made", "made_too"]
            with_psycopg("CREATE DATABASE made_in_the_test")
            query = "SELECT id FROM notes ORDER BY 1"
            assert values("made", query, "INSERT INTO notes DEFAULT VALUES") == [1, 2]
        """,
        test_b_py="""
        import pytest
        from conftest import names, values

        @pytest.mark.parametrize("again", range(2))
        def test_it(made, again):
            assert names() == ["made"]
            assert values("made", "SELECT id FROM notes") == [1]
        """,
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 5}, result.output


@pytest.mark.skipif(not (BINARIES / "createdb").exists(), reason=f"there is no createdb in {BINARIES}")
def test_by_a_program(project: Project) -> None:
    """``createdb`` makes it, by the ``{dsn}`` that it was given; an engine finds it by its name."""
    project.write(
        pytest_ini="""
        [pytest]
        hermetic_app = shop:app
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = session
        hermetic_database = postgresql
        hermetic_env = DATABASE_URL={dsn}
        """,
        test_a_py=MAKING
        + f"""
import os

@pytest.mark.parametrize("again", range(3))
def test_it(again):
    command = ["{BINARIES}/createdb", "--maintenance-db", os.environ["DATABASE_URL"], "made"]
    subprocess.run(command, check=True)
    assert names() == ["made"]
    assert values("made", "SELECT current_database()") == ["made"]
""",
    )
    result = project.pytest()
    assert result.outcomes() == {"passed": 3}, result.output


@contextmanager
def role(administrator: psycopg.Connection[tuple[str]]) -> Iterator[str]:
    """A role on somebody's server that may make databases and is no superuser; what it made goes with it."""
    name = f"maker_{uuid.uuid4().hex[:8]}"
    administrator.execute(f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD 'secret'".encode())
    try:
        yield name
    finally:
        query = "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = %s"
        for (database,) in administrator.execute(query, [name]).fetchall():
            administrator.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())
        administrator.execute(f"DROP ROLE {name}".encode())


@needs_server
def test_on_a_server_by_url(project: Project) -> None:
    """Those that the run's role makes go; what it had before the run, and what others make meanwhile, stays."""
    with (
        psycopg.connect(URL, autocommit=True) as administrator,
        role(administrator) as name,
        role(administrator) as other,
    ):
        administrator.execute(f"CREATE DATABASE made_{name}_before OWNER {name}".encode())
        project.write(
            others_py=f"""
            import psycopg

            psycopg.connect({login(other)!r}, autocommit=True).execute("CREATE DATABASE made_{name}_others")
            """,
            test_a_py=MAKING
            + f"""
PREFIX = "made_{name}_"


@pytest.fixture(scope="session")
def of_the_session():
    with_psycopg(f"CREATE DATABASE {{PREFIX}}session")
    assert values(f"{{PREFIX}}session", "SELECT 1") == [1]
    subprocess.run([sys.executable, "others.py"], check=True)


@pytest.mark.parametrize("again", range(2))
def test_it(of_the_session, again):
    with_psycopg(f"CREATE DATABASE {{PREFIX}}test")  # whose it is, its use tells: other runs are there
    assert values(f"{{PREFIX}}test", "SELECT current_user") == ["{name}"]
    found = [each.removeprefix(PREFIX) for each in names() if each.startswith(PREFIX)]
    assert found == ["before", "others", "session", "test"]
""",
        )
        result = project.pytest("-o", f"hermetic_postgresql={login(name)}")
        assert result.outcomes() == {"passed": 2}, result.output
        query = "SELECT datname FROM pg_database WHERE datname ~ %s ORDER BY 1"
        there = [row[0] for row in administrator.execute(query, [f"^made_{name}"]).fetchall()]
        assert there == [f"made_{name}_before", f"made_{name}_others"]


def login(role: str) -> str:
    """Return the URL by which a role reaches the server."""
    return make_url(URL).set(username=role, password="secret").render_as_string(hide_password=False)


TENANTS = """
import psycopg
import pytest
from sqlalchemy import create_engine, text

URL = "postgresql+psycopg2://me:secret@db.example/postgres"


@pytest.fixture(scope="session")
def tenant(worker_id, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp().parent
    meet(folder, worker_id)
    try:
        making(worker_id)
    finally:
        meet(folder, worker_id + "-made")
    yield


def meet(folder, name):
    "Have the other worker come as far."
    import time

    (folder / name).touch()
    other = folder / (("gw1" if "gw0" in name else "gw0") + name[3:])
    for _ in range(6000):  # where both cores are busy, a worker can take a minute to come
        if other.exists():
            break
        time.sleep(0.01)


@pytest.mark.parametrize("again", range(2))
def test_it(tenant, again):
    pass
"""
BY_BOTH = """
from contextlib import contextmanager


@contextmanager
def together(tmp_path_factory, worker_id, how):
    folder = tmp_path_factory.getbasetemp().parent
    meet(folder, f"{worker_id}-{how}")
    try:
        yield
    finally:
        meet(folder, f"{worker_id}-{how}-made")


@pytest.fixture(scope="session")
def by_an_engine(worker_id, tmp_path_factory):
    with together(tmp_path_factory, worker_id, "engine"):
        with create_engine(URL, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("CREATE DATABASE tenant_acme"))


@pytest.fixture(scope="session")
def by_a_driver(worker_id, tmp_path_factory):
    with together(tmp_path_factory, worker_id, "driver"):
        with psycopg.connect("postgresql://me:secret@db.example/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE tenant_bolt")


@pytest.fixture(autouse=True)
def made(request, by):
    request.getfixturevalue(by)


@pytest.mark.parametrize("by", ["by_an_engine", "by_a_driver"] * 2)  # each worker gets two tests, one of each
def test_it(by):
    pass
"""


def test_one_name_in_two_workers(project: Project) -> None:
    """The second fails by the server's own error; below it stands who has the name, and what to do."""
    project.plugins = (*project.plugins, "xdist")
    project.write(test_a_py=TENANTS.partition("@pytest.mark.parametrize")[0] + BY_BOTH)
    result = project.pytest("-n", "2")
    assert result.outcomes() == {"passed": 2, "errors": 2}, result.output
    for name in ("tenant_acme", "tenant_bolt"):
        assert f"another process that tests on this server has a database {name!r}" in result.output
        assert f"{name}_{{worker_id}}" in result.output
    assert result.output.count("xdist_group") == 2


# A worker that is through drops its databases, and the other's tests look for them.
STAY = """    yield
    meet(folder, worker_id + "-through")
"""


def test_a_name_for_each_worker(project: Project) -> None:
    """Each finds, restores and drops its own by a raw driver; what another has, no statement of an engine drops."""
    project.plugins = (*project.plugins, "xdist")
    project.write(
        test_a_py=TENANTS.partition("@pytest.mark.parametrize")[0].replace("    yield\n", STAY)
        + """
def making(worker_id):
    with psycopg.connect("postgresql://me:secret@db.example/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE made_{worker_id}")
    with psycopg.connect(f"postgresql://me:secret@db.example/made_{worker_id}") as connection:
        connection.execute("CREATE TABLE notes (id serial)")


@pytest.mark.parametrize("again", range(4))
def test_it(tenant, worker_id, again):
    engine = create_engine(f"postgresql+psycopg2://me:secret@db.example/made_{worker_id}")
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT current_database()")) == f"made_{worker_id}"
        assert connection.scalar(text("INSERT INTO notes DEFAULT VALUES RETURNING id")) == 1
    engine.dispose()


@pytest.mark.parametrize("again", range(2))
def test_that_of_another(tenant, worker_id, again):
    other = "gw1" if worker_id == "gw0" else "gw0"
    with create_engine(URL, isolation_level="AUTOCOMMIT").connect() as connection:
        with pytest.raises(Exception, match=f"has a database 'made_{other}'"):
            connection.execute(text(f"DROP DATABASE made_{other}"))
"""
    )
    result = project.pytest("-n", "2")
    assert result.outcomes() == {"passed": 6}, result.output


def test_that_of_a_workers_session(project: Project) -> None:
    """Stays for the worker's later tests, though a test connects to it first; one that a test made goes with that."""
    project.plugins = (*project.plugins, "xdist")
    project.write(
        test_a_py=MAKING
        + """
@pytest.fixture(scope="session")
async def of_the_session(worker_id):
    administrator = await asyncpg.connect(SERVER + "/postgres")
    await administrator.execute(f"CREATE DATABASE made_{worker_id}")
    yield administrator
    await administrator.execute(f"DROP DATABASE made_{worker_id} WITH (FORCE)")
    await administrator.close()


@pytest.fixture
async def before_any_look(of_the_session, worker_id):
    "By a connection that was there before the test: another worker might have made it."
    await of_the_session.execute(f"CREATE DATABASE made_early_{worker_id}")
    yield
    await of_the_session.execute(f"DROP DATABASE made_early_{worker_id} WITH (FORCE)")


async def fill(database):
    engine = create_async_engine(f"postgresql+asyncpg://me:secret@db.example/{database}")
    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT current_database()")) == database
        await connection.execute(text("CREATE TABLE notes (id serial PRIMARY KEY)"))
    await engine.dispose()


@pytest.mark.parametrize("again", range(6))
async def test_it(before_any_look, worker_id, again):
    await fill(f"made_{worker_id}")
    await fill(f"made_early_{worker_id}")
    await with_asyncpg(f"CREATE DATABASE made_in_the_test_{worker_id}")
    await fill(f"made_in_the_test_{worker_id}")
"""
    )
    result = project.pytest("-n", "2")
    assert result.outcomes() == {"passed": 6}, result.output
