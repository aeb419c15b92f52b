"""Where an engine may go: a test for each row of the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from hermetic.code import Location
from hermetic.database.address import address_of
from hermetic.database.backend import Address
from hermetic.database.engines import Itself, LeftAlone
from hermetic.database.engines.destinations import Refusal
from hermetic.database.redirect import (
    Decision,
    Known,
    Redirect,
    ToApplication,
    ToFresh,
    ToMemory,
    ToNamed,
    ToOnlyMemory,
    ToWorker,
)
from hermetic.errors import ConfigurationError

MEMORY = "sqlite+aiosqlite:///:memory:"
RULES = Redirect.parse(
    allow=["postgresql://me:***@legacy.example/reports"],
    aliases=[("sqlite:////srv/replica.db", "sqlite:////srv/app.db")],
    temporary=[Path("/tmp/pytest-of-me/pytest-1")],
    root=Path("/project"),
)
SERVED = Known(served=("sqlite", "postgresql"))


def at(url: str) -> Address:
    """Return what a URL means."""
    return address_of(make_url(url), "/project")


def goes(url: str, *, app: bool = False, own: bool = False, known: Known | None = None) -> Decision:
    """Return where an engine with this URL goes."""
    return RULES.destination(
        make_url(url), is_application=app, own_creator=own, folder="/project", known=known
    )


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///app.db", "sqlite:////srv/app.db"])
def test_the_applications_own(url: str) -> None:
    """What the application opens becomes the worker database of that target."""
    assert goes(url, app=True) == ToApplication(at(url))


def test_the_applications_url_in_a_test() -> None:
    """A test's engine with the application's URL goes where the application's goes, whatever its driver."""
    known = Known(applications={at("sqlite:///app.db")})
    assert goes("sqlite:////project/app.db", known=known) == ToApplication(at("sqlite:///app.db"))


def test_the_applications_server_url_in_a_test() -> None:
    """So does a server's, by any name of this machine."""
    known = Known(applications={at("postgresql://localhost/app")}, served=("postgresql",))
    assert goes("postgresql+asyncpg://me@127.0.0.1:5432/app", known=known) == ToApplication(
        at("postgresql:///app")
    )


@pytest.mark.parametrize("app", [True, False])
def test_an_alias(app: bool) -> None:
    """A read replica is the database that it stands for."""
    assert goes("sqlite+aiosqlite:////srv/replica.db", app=app) == ToApplication(at("sqlite:////srv/app.db"))


@pytest.mark.parametrize("database", ["other", "postgres"])
def test_another_server_url(database: str) -> None:
    """A test's other server database, the maintenance database included, is a fresh one on our server."""
    url = f"postgresql://db.example/{database}"
    assert goes(url, known=SERVED) == ToFresh(at(url))


def test_an_application_on_a_server() -> None:
    """An application's server database is a worker database on ours."""
    assert goes("postgresql://db/app", app=True, known=SERVED) == ToApplication(at("postgresql://db/app"))


def test_in_memory_with_the_applications_url() -> None:
    """One that is declared is the application's, whoever opens it."""
    known = Known(applications={at("sqlite://")}, in_memory=2)
    assert goes(MEMORY, known=known) == goes(MEMORY, app=True, known=known) == ToApplication(at(MEMORY))


@pytest.mark.parametrize("own", [True, False])
def test_in_memory_of_the_application(own: bool) -> None:
    """Each of its engines has a database of its own."""
    assert goes(MEMORY, app=True, own=own) == ToMemory(None)


def test_in_memory_by_a_shared_name() -> None:
    """One database a name, whoever opens it; what a name without ``cache=shared`` means is its engine's own."""
    url = "sqlite+aiosqlite:///file:x?mode=memory&cache=shared&uri=true"
    assert goes(url, app=True) == ToMemory(at(url))
    assert goes(url) == goes(url, own=True) == ToFresh(at(url))
    assert goes("sqlite:///file:x?mode=memory&uri=true", app=True) == ToMemory(None)


def test_in_memory_that_stands_for_the_applications() -> None:
    """The guide's ``async_test_db`` on ``:memory:`` sees the rows of an application on ``:memory:``."""
    assert goes(MEMORY, known=Known(in_memory=1, primary_in_memory=True)) == ToOnlyMemory()


@pytest.mark.parametrize(
    ("count", "primary", "why"),
    [
        (0, False, "an in-memory database is the test's own"),
        (1, False, "an in-memory database is the test's own"),
        (2, True, "an in-memory database is the test's own: the application has 2 of them"),
    ],
)
def test_other_in_memory(count: int, primary: bool, why: str) -> None:
    """A test's own in-memory database is left alone, where it cannot stand for the application's."""
    assert goes(MEMORY, known=Known(in_memory=count, primary_in_memory=primary)) == LeftAlone(why)


def test_other_in_memory_with_a_creator() -> None:
    """What a creator of its own opens may be what others open, too: it is called, and looked at."""
    why = "what a creator or a pool of its own opens in memory is the test's own"
    assert goes(MEMORY, own=True, known=Known(in_memory=1, primary_in_memory=True)) == LeftAlone(why)


@pytest.mark.parametrize("app", [True, False])
def test_temporary_files(app: bool) -> None:
    """A file under pytest's temporary folders is left alone, whoever opens it."""
    assert isinstance(goes("sqlite+aiosqlite:////tmp/pytest-of-me/pytest-1/test_x0/a.db", app=app), LeftAlone)


def test_a_declared_temporary_file() -> None:
    """Unless the application is known to use it."""
    url = "sqlite:////tmp/pytest-of-me/pytest-1/app.db"
    assert goes(url, known=Known(applications={at(url)})) == ToApplication(at(url))


@pytest.mark.parametrize("own", [True, False])
def test_other_files(own: bool) -> None:
    """A test's other file is a fresh, empty one, the same for each engine of that URL."""
    assert goes("sqlite:////tmp/other.db", own=own) == ToFresh(at("sqlite:////tmp/other.db"))


def test_a_worker_databases_own_url() -> None:
    """A worker database's URL means that database."""
    known = Known(workers=[at("sqlite:////dev/shm/worker.db")])
    assert goes("sqlite+aiosqlite:////dev/shm/worker.db", known=known) == ToWorker(
        at("sqlite:////dev/shm/worker.db")
    )


@pytest.mark.parametrize("url", ["postgresql://db.example/made", "postgresql:///made"])
def test_a_database_that_code_under_test_made(url: str) -> None:
    """Any server's URL with its name means it, that of an earlier worker database of the name included."""
    known = Known(workers=[at("postgresql:///made")], named=[("postgresql", "made")], served=("postgresql",))
    assert goes(url, known=known) == ToNamed(at(url))


@pytest.mark.parametrize("app", [True, False])
def test_an_allowed_url(app: bool) -> None:
    """A database that the project allows by its masked URL is really opened."""
    url = "postgresql+asyncpg://you:secret@legacy.example:5432/reports"
    assert isinstance(goes(url, app=app), Itself)


@pytest.mark.parametrize("app", [True, False])
def test_a_backend_without_a_server(app: bool) -> None:
    """A database that hermetic cannot make is refused."""
    known = Known(applications={at("mysql://db/app")})
    decision = goes("mysql+aiomysql://db/app", app=app, known=known)
    assert isinstance(decision, Refusal)
    assert decision.why == "hermetic has no mysql server to make one on."


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/project/conftest.py", True),
        ("/project/app/test_things.py", True),
        ("/project/app/things_test.py", True),
        ("/project/tests/factories.py", True),
        ("/project/app/test/unit/helpers.py", True),
        ("/project/app/db.py", False),
        ("/project/app/tests.py", False),
        ("/project/alembic/env.py", False),
        ("/venv/site-packages/tests/db.py", False),
        ("/venv/site-packages/library/db.py", False),
    ],
)
def test_what_is_test_code(file: str, expected: bool) -> None:
    """Test modules, conftests and what lies in a folder of tests below the root; all else is the application."""
    assert RULES.is_test_code(Location(file, 1, "f")) is expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/project/app/db.py", True),
        ("/project/tests/db.py", False),
        ("/project/.venv/lib/site-packages/library/db.py", False),
        ("/venv/lib/site-packages/library/db.py", False),
    ],
)
def test_what_is_the_applications_code(file: str, expected: bool) -> None:
    """What lies in the project, and is no test, and is not installed there."""
    assert RULES.is_application_code(Location(file, 1, "f")) is expected


@pytest.mark.parametrize("key", ["hermetic_allow", "hermetic_targets"])
def test_a_setting_that_is_no_url(key: str) -> None:
    """The error shows the value, the setting and what a URL looks like."""
    with pytest.raises(ConfigurationError, match=rf"{key}: 'db\.example' is not a database URL") as caught:
        if key == "hermetic_allow":
            Redirect.parse(allow=["db.example"])
        else:
            Redirect.parse(aliases=[("sqlite://", "db.example")])
    assert f"hint: {key} = postgresql://" in str(caught.value)


def test_a_setting_with_a_bad_port() -> None:
    """A port that is no number is a configuration error too."""
    with pytest.raises(ConfigurationError, match="hermetic_allow"):
        Redirect.parse(allow=["postgresql://db:port/x"])
