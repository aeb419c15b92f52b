"""The fixtures, under the guide's names, and the building blocks that a project can override in its conftest.

Every one is synchronous and hands out an object that starts at first use, in whatever event loop that is, so they work
under every runner and every combination of loop scopes (pytest-asyncio ties an async fixture to a loop when it is
defined).

None takes ``request``: pytest makes that anew, and inspects its signature, for each fixture that names it in each test,
and twice where the fixture is set up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from hermetic.application import driver_of
from hermetic.pytest_plugin.state import RUN, SETTINGS
from hermetic.pytest_plugin.tracebacks import errors_as_failures

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

    from hermetic.client import AsyncTestClient, Lifespan, LiveServer
    from hermetic.database.facade import Database, EmptyDatabase
    from hermetic.run import Run

APPLICATION = "hermetic_app"
"""The fixture that a suite overrides which builds its applications itself."""

NOT_CONFIGURED = "No application is configured."


def _lifespan_scope(fixture_name: str, config: pytest.Config) -> Any:
    settings = config.stash.get(SETTINGS, None)
    return settings.lifespan_scope if settings else "function"


class Asked:
    """Gives the fixtures what they would ask ``request`` for.

    Args:
        config: Of this run of pytest.

    Attributes:
        request: That of the fixture of ours that is set up now; only an active run knows it.
    """

    request: pytest.FixtureRequest

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def run(self, fixture: str) -> Run:
        """Return the run, or fail the test with what to write when there is none."""
        run = self._config.stash.get(RUN, None)
        if run is not None and run.settings.mode == "on":
            return run
        settings = self._config.stash[SETTINGS]
        lacking = "hermetic_app = your.module:app" if settings.app is None else "hermetic = on"
        pytest.fail(
            f"The fixture {fixture!r} needs hermetic, which is {settings.mode!r} in this run.\n\n"
            f"hint: in the ini file of pytest: {lacking}",
            pytrace=False,
        )


def plugin_of(asked: Asked) -> ModuleType:
    """Return a plugin whose fixture gives this: a module, for methods are deprecated as fixtures of a session."""

    @pytest.fixture(scope="session")
    def _hermetic_asked() -> Asked:
        """What the fixtures of hermetic ask."""
        return asked

    plugin = ModuleType("hermetic_asked")
    setattr(plugin, "_hermetic_asked", _hermetic_asked)  # noqa: B010 - no attribute that a module has
    return plugin


def _application(request: pytest.FixtureRequest) -> Callable[[], object]:
    """Return what makes the application, by whatever fixture ``hermetic_app`` is."""

    def make() -> object:
        try:
            return request.getfixturevalue(APPLICATION)
        except pytest.fail.Exception as error:
            # It belongs to a test, and whoever asks to more; or there is none, and none is needed.
            if any(text in str(error) for text in ("ScopeMismatch", NOT_CONFIGURED)):
                return None
            raise

    return make


@pytest.fixture(scope="session")
def hermetic_app(_hermetic_asked: Asked) -> Any:
    """The application that ``hermetic_app`` names; override it to build yours in another way."""
    from hermetic.pytest_plugin.calls import build_routes

    with errors_as_failures():
        app = _hermetic_asked.run("hermetic_app").provider.application()
    if app is None:
        pytest.fail(
            f"{NOT_CONFIGURED}\n\nhint: in the ini file of pytest: hermetic_app = your.module:app\n"
            "hint: or return one from a fixture named hermetic_app, in a conftest",
            pytrace=False,
        )
    build_routes(app)
    return app


@pytest.fixture(scope="session")
def hermetic_database(_hermetic_asked: Asked) -> Database:
    """The application's worker database: its URLs, and ``restore()``."""
    from hermetic.database.facade import Database

    with errors_as_failures():
        provider = _hermetic_asked.run("hermetic_database").provider
        return Database(provider.primary(_application(_hermetic_asked.request)))


@pytest.fixture
def hermetic_empty_database(_hermetic_asked: Asked) -> EmptyDatabase:
    """An empty database of the test's own, for tests of migrations: its URLs; dropped when the test ends."""
    from hermetic.database.facade import EmptyDatabase

    with errors_as_failures():
        provider = _hermetic_asked.run("hermetic_empty_database").provider
        return EmptyDatabase.of(provider.empty_database(_application(_hermetic_asked.request)))


@pytest.fixture(scope="session")
def hermetic_url(hermetic_database: Database) -> str:
    """The URL of the application's worker database, with the async driver."""
    return hermetic_database.url


@pytest.fixture(scope="session")
def hermetic_engine(hermetic_url: str) -> AsyncEngine:
    """An ``AsyncEngine`` on the application's worker database, usable in every event loop."""
    from sqlalchemy.ext.asyncio import create_async_engine

    from hermetic.database.backend import packages_by_module

    with errors_as_failures(), driver_of(hermetic_url, packages_by_module):
        return create_async_engine(hermetic_url)


@pytest.fixture(scope=_lifespan_scope)
def hermetic_lifespan(_hermetic_asked: Asked, hermetic_app: Any) -> Iterator[Lifespan]:
    """The application's lifespan: starts with the first request, ends with the scope of ``hermetic_lifespan_scope``."""
    from hermetic.pytest_plugin.lifespan import FixtureLifespan

    run = _hermetic_asked.run("hermetic_lifespan")
    lifespan = FixtureLifespan(hermetic_app, run, scope=_hermetic_asked.request.scope)
    run.loop_resources.add(lifespan)
    yield lifespan
    run.loop_resources.discard(lifespan)


@pytest.fixture(scope="session")
def hermetic_auth() -> Any:
    """How ``async_client.as_user`` and ``login`` make a client a user's; override it with a function of the user."""
    return None


@pytest.fixture
def async_client(
    _hermetic_asked: Asked, hermetic_app: Any, hermetic_lifespan: Lifespan, hermetic_auth: Any
) -> Iterator[AsyncTestClient]:
    """A client that runs the application, its lifespan included, in the test's own event loop."""
    from hermetic.client import AsyncTestClient

    run = _hermetic_asked.run("async_client")
    client = AsyncTestClient._lazily(hermetic_app, lifespan=hermetic_lifespan, authenticate=hermetic_auth)
    run.loop_resources.add(client)
    yield client
    run.loop_resources.discard(client)


@pytest.fixture
def live_server(_hermetic_asked: Asked, hermetic_app: Any) -> Iterator[LiveServer]:
    """The application behind uvicorn on a free port of the loopback, on the test's database: for browsers."""
    from hermetic.client import LiveServer

    _hermetic_asked.run("live_server")
    with errors_as_failures(), LiveServer(hermetic_app) as server:
        yield server


@pytest.fixture
def async_db_session(_hermetic_asked: Asked) -> Iterator[AsyncSession]:
    """An ``AsyncSession`` on the application's database; it connects at its first statement."""
    from hermetic.pytest_plugin.session import FixtureSession

    run = _hermetic_asked.run("async_db_session")
    request = _hermetic_asked.request
    with (
        errors_as_failures()
    ):  # before hermetic_engine asks: an application of the test's scope tells it, too
        run.provider.learn_what_the_database_is(_application(request))
    session = FixtureSession(request.getfixturevalue("hermetic_engine"))
    run.loop_resources.add(session)
    yield session.session
    run.loop_resources.discard(session)


@pytest.fixture
def async_test_db(async_db_session: AsyncSession) -> AsyncSession:
    """The session of ``async_db_session``, under the other name that the guide gives it."""
    return async_db_session


@pytest.fixture
def setup_test_env(_hermetic_asked: Asked) -> dict[str, str]:
    """The variables of ``hermetic_env``; they are set before the application is imported, whoever asks for this."""
    return _hermetic_asked.run("setup_test_env").environment.variables()
