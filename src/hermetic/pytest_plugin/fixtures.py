"""The fixtures, under the guide's names, and the building blocks that a project can override in its conftest.

Every one is synchronous and hands out an object that starts at first use, in whatever event loop that is, so they work
under every runner and every combination of loop scopes (pytest-asyncio ties an async fixture to a loop when it is
defined).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


def active_run(request: pytest.FixtureRequest) -> Run:
    """Return the run, or fail the test with what to write when there is none."""
    run = request.config.stash.get(RUN, None)
    if run is not None and run.settings.mode == "on":
        return run
    settings = request.config.stash[SETTINGS]
    lacking = "hermetic_app = your.module:app" if settings.app is None else "hermetic = on"
    pytest.fail(
        f"The fixture {request.fixturename!r} needs hermetic, which is {settings.mode!r} in this run.\n\n"
        f"hint: in the ini file of pytest: {lacking}",
        pytrace=False,
    )


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
def hermetic_app(request: pytest.FixtureRequest) -> Any:
    """The application that ``hermetic_app`` names; override it to build yours in another way."""
    from hermetic.pytest_plugin.calls import build_routes

    with errors_as_failures():
        app = active_run(request).provider.application()
    if app is None:
        pytest.fail(
            f"{NOT_CONFIGURED}\n\nhint: in the ini file of pytest: hermetic_app = your.module:app\n"
            "hint: or return one from a fixture named hermetic_app, in a conftest",
            pytrace=False,
        )
    build_routes(app)
    return app


@pytest.fixture(scope="session")
def hermetic_database(request: pytest.FixtureRequest) -> Database:
    """The application's worker database: its URLs, and ``restore()``."""
    from hermetic.database.facade import Database

    with errors_as_failures():
        return Database(active_run(request).provider.primary(_application(request)))


@pytest.fixture
def hermetic_empty_database(request: pytest.FixtureRequest) -> EmptyDatabase:
    """An empty database of the test's own, for tests of migrations: its URLs; dropped when the test ends."""
    from hermetic.database.facade import EmptyDatabase

    with errors_as_failures():
        return EmptyDatabase.of(active_run(request).provider.empty_database(_application(request)))


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
def hermetic_lifespan(request: pytest.FixtureRequest, hermetic_app: Any) -> Iterator[Lifespan]:
    """The application's lifespan: starts with the first request, ends with the scope of ``hermetic_lifespan_scope``."""
    from hermetic.pytest_plugin.lifespan import FixtureLifespan

    run = active_run(request)
    lifespan = FixtureLifespan(hermetic_app, run, scope=request.scope)
    run.loop_resources.add(lifespan)
    yield lifespan
    run.loop_resources.discard(lifespan)


@pytest.fixture(scope="session")
def hermetic_auth() -> Any:
    """How ``async_client.as_user`` and ``login`` make a client a user's; override it with a function of the user."""
    return None


@pytest.fixture
def async_client(
    request: pytest.FixtureRequest, hermetic_app: Any, hermetic_lifespan: Lifespan, hermetic_auth: Any
) -> Iterator[AsyncTestClient]:
    """A client that runs the application, its lifespan included, in the test's own event loop."""
    from hermetic.client import AsyncTestClient

    run = active_run(request)
    client = AsyncTestClient._lazily(hermetic_app, lifespan=hermetic_lifespan, authenticate=hermetic_auth)
    run.loop_resources.add(client)
    yield client
    run.loop_resources.discard(client)


@pytest.fixture
def live_server(request: pytest.FixtureRequest, hermetic_app: Any) -> Iterator[LiveServer]:
    """The application behind uvicorn on a free port of the loopback, on the test's database: for browsers."""
    from hermetic.client import LiveServer

    active_run(request)
    with errors_as_failures(), LiveServer(hermetic_app) as server:
        yield server


@pytest.fixture
def async_db_session(request: pytest.FixtureRequest) -> Iterator[AsyncSession]:
    """An ``AsyncSession`` on the application's database; it connects at its first statement."""
    from hermetic.pytest_plugin.session import FixtureSession

    run = active_run(request)
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
def setup_test_env(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of ``hermetic_env``; they are set before the application is imported, whoever asks for this."""
    return active_run(request).environment.variables()
