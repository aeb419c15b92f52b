"""The table of rules: for each the cause that it finds, how bad that is, an example, the change, and its function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from hermetic.causes import Cause, applications, data, event_loops, messages
from hermetic.doctor.rules import clients, configuration, databases, loops, migrations, testcase
from hermetic.doctor.subject import Spot, Subject

Severity = Literal["error", "warning"]
"""An error fails each time; a warning may pass by luck, or depends on what else runs."""


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        cause: What it finds.
        severity: Whether that always fails.
        example: The code at fault.
        fix: The code in its place.
        find: Yields where.
    """

    cause: Cause
    severity: Severity
    example: str
    fix: str
    find: Callable[[Subject], Iterator[Spot]]

    @property
    def code(self) -> str:
        """The code of its cause."""
        return self.cause.code


RULES = (
    Rule(
        messages.CLIENT_TAKES_NO_APP,
        "error",
        'AsyncClient(app=app, base_url="http://test")',
        'AsyncClient(transport=ASGITransport(app=app), base_url="http://test")',
        clients.client_takes_no_app,
    ),
    Rule(
        event_loops.EVENT_LOOP_IS_GONE,
        "warning",
        '@pytest.fixture(scope="session")\ndef event_loop(): ...',
        "asyncio_default_fixture_loop_scope = session\nasyncio_default_test_loop_scope = session",
        loops.event_loop,
    ),
    Rule(
        event_loops.FIXTURE_OUTLIVES_LOOP,
        "error",
        '# asyncio_default_fixture_loop_scope = function\n@pytest_asyncio.fixture(scope="session")\n'
        "async def engine(): ...",
        "asyncio_default_fixture_loop_scope = session\nasyncio_default_test_loop_scope = session",
        loops.wider_than_its_loop,
    ),
    Rule(
        event_loops.BACKEND_TOO_NARROW,
        "error",
        '@pytest.fixture(scope="session")\nasync def engine(): ...',
        '@pytest.fixture(scope="session")\ndef anyio_backend():\n    return "asyncio"',
        loops.wider_than_anyio_backend,
    ),
    Rule(
        event_loops.TWO_PLUGINS,
        "warning",
        "# asyncio_mode = auto\n@pytest.mark.anyio\nasync def test_users(session): ...",
        "async def test_users(session): ...",
        loops.both_plugins,
    ),
    Rule(
        event_loops.CONFIGURATION_NOT_READ,
        "warning",
        "# pytest.ini: [pytest]\n# pyproject.toml: [tool.pytest.ini_options] asyncio_mode = 'auto'",
        "# pytest.ini\n[pytest]\nasyncio_mode = auto",
        configuration.not_read,
    ),
    Rule(
        messages.FIXTURE_ASKED_FOR_IN_A_LOOP,
        "error",
        'async def test_users(request):\n    session = request.getfixturevalue("session")',
        "async def test_users(session): ...",
        loops.getfixturevalue,
    ),
    Rule(
        event_loops.ASYNC_TEST_IN_TESTCASE,
        "error",
        "class TestUsers(unittest.TestCase):\n    async def test_users(self): ...",
        "class TestUsers(unittest.IsolatedAsyncioTestCase):\n    async def test_users(self): ...",
        testcase.async_test_in_testcase,
    ),
    Rule(
        applications.STATE_IS_DELETED,
        "warning",
        'monkeypatch.setattr(app.state, "mailer", fake)',
        'monkeypatch.setitem(app.state._state, "mailer", fake)',
        clients.patched_state,
    ),
    Rule(
        applications.OVERRIDE_TAKES_PARAMETERS,
        "error",
        "async def override(session):\n    yield session\n\napp.dependency_overrides[get_session] = override",
        "app.dependency_overrides[get_session] = lambda: session",
        clients.override_with_parameters,
    ),
    Rule(
        messages.SYNC_DRIVER,
        "error",
        'create_async_engine("mysql+pymysql://localhost/app")',
        'create_async_engine("mysql+asyncmy://localhost/app")',
        databases.sync_url,
    ),
    Rule(
        messages.DDL_ON_ASYNC_ENGINE,
        "error",
        "Base.metadata.create_all(bind=async_engine)",
        "async with async_engine.begin() as connection:\n    await connection.run_sync(Base.metadata.create_all)",
        databases.tables_by_async_engine,
    ),
    Rule(
        data.MEMORY_FOR_EACH_CONNECTION,
        "error",
        "create_async_engine(IN_MEMORY, poolclass=NullPool)",
        "create_async_engine(IN_MEMORY)",
        databases.memory_pool,
    ),
    Rule(
        data.TABLE_EXISTS_ALREADY,
        "error",
        '@pytest.fixture(scope="session", autouse=True)\ndef migrated():\n'
        '    command.upgrade(Config("alembic.ini"), "head")',
        "hermetic_schema = alembic.ini",
        migrations.migrated_twice,
    ),
)
BY_CODE = {rule.code: rule for rule in RULES}
