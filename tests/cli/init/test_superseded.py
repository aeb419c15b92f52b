"""What of existing tests hermetic now does, by file, line and slug."""

from __future__ import annotations

import pytest

from hermetic.cli.init.superseded import DATABASE, REASONS, find_superseded
from tests.source.projects import Project


def slugs(project: Project, text: str, name: str = "tests/conftest.py") -> list[tuple[int, str]]:
    """Return the lines and slugs found in a file."""
    symbols = project.write({name: text}).symbols()
    return [(replaced.line, replaced.slug) for replaced in find_superseded(symbols)]


@pytest.mark.parametrize(
    "text",
    [
        "app.dependency_overrides[get_current_user] = fake",
        "app.dependency_overrides[get_settings()] = fake",
        "overrides[get_db] = fake",
        "app.dependency_overrides.update({get_current_user: fake, **more})",
        "app.dependency_overrides.update(more)",
        "settings.update({get_db: 1})",
        "from testcontainers.redis import RedisContainer\nc = RedisContainer()",
        "from testcontainers.mysql import MySqlContainer\nc = MySqlContainer()",
        "from shop.testing import PostgresContainer\nc = PostgresContainer()",
        "s = AsyncSession(bind=engine)",
        "package.upgrade()",
        "update({get_db: 1})",
        "client = AsyncClient(base_url='https://example.com')",
        "client = TestClient(app)",
        "def event_loop(): ...",
        "@fixture\ndef loop(): ...",
        "x = 'delete from the list'",
        "await s.delete(user)",
        "await client.delete('/api/users/1')",
        "r = client.delete('/api/users/1')",
        "from shop import delete\ngone = delete(User)",
        "await s.execute(select(User).where(User.id == 1))",
        "await s.execute(update(User).where(User.id == 1).values(name='x'))",
        "await s.execute(statement)",
        "@fixture\ndef clean():\n    'Truncate all tables.'",
        "session = AsyncSession(engine, join_transaction_mode='rollback_only')",
        "value = os.environ['HOME']",
        "async def test_x():\n    await c.run_sync(Base.metadata.create_all)\n    c.begin_nested()",
        "def test_x():\n    app.dependency_overrides[get_db] = fake",
    ],
)
def test_what_is_the_tests_own_is_left_alone(project: Project, text: str) -> None:
    """Overrides of other things, clients of other servers, and what a test does in its own body."""
    assert slugs(project, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("await c.run_sync(Base.metadata.create_all)", ["create-all"]),
        ("from testcontainers.postgres import PostgresContainer as P\nwith P() as c: ...", ["own-server"]),
        ("import testing.postgresql\ns = testing.postgresql.Postgresql()", ["own-server"]),
        ("SQLModel.metadata.drop_all(engine)", ["create-all"]),
        ("await c.begin_nested()", ["savepoint-listener"]),
        ("return super().begin_nested()", []),
        ("@event.listens_for(s, 'after_transaction_end')\ndef f(): ...", ["savepoint-listener"]),
        ("s = AsyncSession(c, join_transaction_mode='create_savepoint')", ["savepoint-listener"]),
        ("for t in reversed(Base.metadata.sorted_tables): ...", ["truncate-loop"]),
        ("await s.execute(text(f'TRUNCATE {names} CASCADE'))", ["truncate-loop"]),
        ("await s.execute(text('DELETE FROM users'))", ["truncate-loop"]),
        ("await s.execute(text(f'delete from {table}'))", ["truncate-loop"]),
        ("await s.execute(delete(User))", ["truncate-loop"]),
        (
            "@fixture\ndef db(): yield; s.exec(sa.delete(User).where(User.name == 'x').where(User.id > 1))",
            ["truncate-loop"],
        ),
        ("await s.execute(User.__table__.delete())", ["truncate-loop"]),
        ("s.query(User).delete()", ["truncate-loop"]),
        (
            "@fixture\ndef db(): yield; s.query(User).filter(User.id > 1).delete(synchronize_session=False)",
            ["truncate-loop"],
        ),
        ("@fixture\ndef db():\n def end(): s.exec(delete(User).where(User.id > 1))", ["truncate-loop"]),
        ("def teardown_method(self): s.execute('DELETE FROM users WHERE id > 1')", ["truncate-loop"]),
        ("@fixture\ndef rows(): s.exec(delete(User).where(User.id > 1)); yield", []),
        ("s.exec(delete(User).where(User.id > 1))", []),
        ("(lambda: s.query(User).filter_by(id=1).delete())()", []),
        ("metadata.reflect(bind=conn)", []),
        ("s = AsyncSession(bind=connection)", ["shared-connection"]),
        ("Session = async_sessionmaker(bind=self.conn)", ["shared-connection"]),
        ("await engine.run_ddl(f'CREATE DATABASE {name}')", ["create-database"]),
        ("c.execute(sql.SQL('create database {}').format(name))", ["create-database"]),
        ("create('databases are created'), 'CREATE DATABASES'", []),
        ("app.dependency_overrides[get_db] = f", ["session-override"]),
        ("app.dependency_overrides[deps.get_async_session] = f", ["session-override"]),
        ("main.app.dependency_overrides.update({get_session: f})", ["session-override"]),
        ("@pytest.fixture(scope='session')\ndef event_loop(): ...", ["event-loop-fixture"]),
        ("c = AsyncClient(transport=ASGITransport(app=app), base_url='x')", ["own-client"]),
        ("c = httpx.AsyncClient(app=app)", ["own-client"]),
        ("m = LifespanManager(app)", ["lifespan-manager"]),
        ("e = create_async_engine(url, poolclass=NullPool)", ["engine-per-test"]),
        ("os.environ['DATABASE_URL'] = 'x'", ["env-in-conftest"]),
        ("os.environ.setdefault('TESTING', 'true')", ["env-in-conftest"]),
        ("os.environ['EMULATOR'] = request.config.getoption('--emulator')", []),
    ],
)
def test_each_recipe_is_found(project: Project, text: str, expected: list[str]) -> None:
    """One remark a line and kind."""
    body = text if text.startswith("@") else f"async def helper():\n    {text}"
    found = slugs(project, body)
    assert [slug for _, slug in found] == expected
    assert {line for line, _ in found} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from alembic import command\ncommand.upgrade(config, 'head')", [2]),
        ("import alembic.command\nawait asyncio.to_thread(alembic.command.upgrade, config, 'head')", [2]),
        (
            "from alembic.command import upgrade as up\nawait loop.run_in_executor(None, up, config, 'head')",
            [2],
        ),
        ("from alembic import command as c\nawait connection.run_sync(partial(c.upgrade, config))", [2]),
        ("await anyio.to_thread.run_sync(command.upgrade, config, 'head')", [1]),
        ("subprocess.run(['alembic', 'upgrade', 'head'], check=True)", [1]),
        ("subprocess.check_call([sys.executable, '-m', 'alembic', '-x', 'a=b', 'upgrade', 'head'])", [1]),
        ("await asyncio.create_subprocess_exec('alembic', 'upgrade', 'head')", [1]),
        ("os.system('alembic upgrade head')", [1]),
        ("from alembic.config import main\nmain(argv=['--raiseerr', 'upgrade', 'head'])", [2]),
        ("from alembic.command import upgrade", []),
        ("from shop import command\ncommand.upgrade(ship)", []),
        ("subprocess.run(['alembic', 'downgrade', 'base'])", []),
        ("subprocess.run(['brew', 'upgrade'])", []),
        ("print('run: alembic upgrade head')", []),
        ("from alembic import command\ncommand.upgrade(config, revision='heads')", [2]),
        ("from alembic import command\ncommand.upgrade(config, REVISION)", [2]),
        ("from alembic import command\ncommand.upgrade(config, 'ae1027a6acf')", []),
        ("from alembic import command\ncommand.upgrade(config, '+1')", []),
        ("import alembic.command\nawait asyncio.to_thread(alembic.command.upgrade, config, '-1')", []),
    ],
)
def test_migrations_are_run_in_many_ways(project: Project, text: str, expected: list[int]) -> None:
    """Called, handed to a thread or a connection, by the command in this process or another."""
    project.write({"shop/__init__.py": "", "shop/command.py": "def upgrade(ship): ..."})
    lines = [
        "import pytest",
        "@pytest.fixture",
        "async def migrated():",
        *(f"    {each}" for each in text.split("\n")),
    ]
    assert slugs(project, "\n".join(lines)) == [(line + 3, "migrations") for line in expected]


@pytest.mark.parametrize(("parameter", "expected"), [("revision", 0), ("revision='head'", 1)])
def test_a_revision_that_a_helper_is_told_is_a_tests(project: Project, parameter: str, expected: int) -> None:
    """Whoever tests migrations goes from one to the next."""
    text = f"from alembic import command\ndef up(config, {parameter}): command.upgrade(config, revision)"
    assert [slug for _, slug in slugs(project, text)] == ["migrations"] * expected


def test_what_a_call_turns_off_is_not_done_by_it(project: Project) -> None:
    """``migrate=False`` is asked for in the function."""
    maker = (
        "def engine(url, migrate=True):\n    if not migrate:\n        return\n    Base.metadata.create_all(e)"
    )
    project.write({"app/__init__.py": "", "app/db.py": maker})
    calls = "engine('')\nengine('', migrate=False)\nengine('', migrate=True)\nengine('', echo=False)"
    found = slugs(project, f"from app.db import engine\n{calls}")
    assert found == [(2, "create-all"), (4, "create-all"), (5, "create-all")]


@pytest.mark.parametrize("module", ["sqlalchemy", "sqlmodel"])
def test_a_delete_may_be_put_aside_before_it_is_run(project: Project, module: str) -> None:
    """Who clears tables writes it in two lines as well."""
    text = f"from {module} import delete\n@fixture\ndef db():\n    yield\n    gone = delete(User)\n    s.exec(gone)"
    assert slugs(project, text) == [(5, "truncate-loop")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from shop.db import create_tables\ncreate_tables(engine)", [(2, "create-all")]),
        ("from shop import db\nasync def f(c):\n    await c.run_sync(db.create_tables)", [(3, "create-all")]),
        ("import shop.db\nshop.db.prepare()", [(2, "create-all"), (2, "migrations")]),
        ("from shop.db import create_app\nclient = TestClient(create_app())", []),
        ("from shop.db import purge, recursive\npurge()\nrecursive()", []),
        ("from shop.db import create_tables\ndef test_it():\n    create_tables(engine)", []),
    ],
)
def test_what_the_application_is_called_for_is_told_at_the_call(
    project: Project, text: str, expected: list[tuple[int, str]]
) -> None:
    """Tables and migrations only, and not what the application does when it starts."""
    project.write(
        {
            "shop/__init__.py": "",
            "shop/db.py": "from alembic import command\nfrom fastapi import FastAPI\n"
            "def create_tables(engine): Base.metadata.create_all(engine)\n"
            "def migrate():\n    def run(c):\n        command.upgrade(c, 'head')\n    connection.run_sync(run)\n"
            "def prepare():\n    migrate()\n    create_tables(engine)\n"
            "def purge(): session.execute(delete(User))\n"
            "def recursive(): recursive()\n"
            "def create_app():\n    app = FastAPI()\n    create_tables(engine)\n    return app\n",
        }
    )
    assert slugs(project, text) == expected


def test_what_the_application_does_is_told_through_its_modules(project: Project) -> None:
    """However many functions lie between, each known by the name that its caller has for it, and asked once."""
    project.write(
        {
            "a.py": "def make(engine): Base.metadata.create_all(engine)\n",
            "b.py": "from a import make as tables\ndef prepare(): tables(engine)\n",
            "c.py": "import b\ndef seed(): run(b.prepare)\ndef other(): run(b.nothing)\n",
        }
    )
    text = "from c import other, seed\nother()\nseed()\nseed()\n"
    assert slugs(project, text) == [(3, "create-all"), (4, "create-all")]


def test_a_lambda_of_the_application_may_be_called(project: Project) -> None:
    """It has no statements, and makes no tables."""
    project.write({"shop.py": "def make(e):\n    m.create_all(e)\nlater = lambda e: make(e)\n"})
    assert slugs(project, "from shop import later, make\nlater(e)\nmake(e)") == [(3, "create-all")]


def test_a_patch_is_undone_by_whoever_made_it(project: Project) -> None:
    """A fixture that sets a variable by ``monkeypatch`` needs nothing of hermetic."""
    assert slugs(project, "def env(monkeypatch):\n    monkeypatch.setenv('A', 'x')") == []


def test_a_fixture_whose_name_starts_with_test_is_looked_into(project: Project) -> None:
    """``test_db`` is a fixture, not a test."""
    assert slugs(project, "@pytest.fixture\ndef test_db():\n    m.create_all(e)") == [(3, "create-all")]


def test_modules_beside_the_tests_are_looked_into(project: Project) -> None:
    """Helpers and test modules have fixtures too; only a conftest sets the environment in time, so only its is told."""
    text = "import os\nos.environ['A'] = 'x'\nm.create_all(e)"
    assert slugs(project, text, "tests/helpers.py") == [(3, "create-all")]


def test_the_application_is_not_looked_into(project: Project) -> None:
    """What it does itself is its own business."""
    assert slugs(project, "m.create_all(e)", "app/main.py") == []


def test_every_slug_has_a_reason() -> None:
    """Those about the database are known ones."""
    assert set(REASONS) > DATABASE
