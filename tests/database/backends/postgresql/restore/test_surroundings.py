"""libpq's variables in the environment lead no connection elsewhere, and refuse none, with each driver."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import SQLAlchemyError

from hermetic.database.backends.postgresql.server.external import External
from hermetic.database.backends.postgresql.server.instance import Instance
from hermetic.errors import ConfigurationError
from tests.database.backends.postgresql.restore.application import DRIVERS, Application
from tests.database.backends.postgresql.restore.opened import Opened

ELSEWHERE = {
    "PGHOST": "192.0.2.1",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "nobody",
    "PGDATABASE": "nothing",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "nonsense",
    "PGSSLMODE": "require",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLMINPROTOCOLVERSION": "nonsense",
    "PGSSLMAXPROTOCOLVERSION": "nonsense",
    "PGSSLCERTMODE": "require",
    "PGSSLROOTCERT": "system",
    "PGSSLCRL": "/nowhere",
    "PGCHANNELBINDING": "require",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "nobody",
    "PGGSSENCMODE": "require",
    "PGPASSFILE": "/nowhere",
    "PGMINPROTOCOLVERSION": "nonsense",
    "PGMAXPROTOCOLVERSION": "nonsense",
}
OURS = {
    "PGOPTIONS": "-c default_transaction_read_only=nonsense",
    "PGCONNECT_TIMEOUT": "nonsense",
    "PGCLIENTENCODING": "nonsense",
}
"""What is the application's own affair, and no more than its own."""


@pytest.fixture(autouse=True)
def none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the shell has."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)


@pytest.fixture(params=["embedded", "by URL"])
def server(request: pytest.FixtureRequest, instance: Instance) -> Iterator[Instance]:
    """The suite's server, as it is started and as it is reached by URL."""
    if request.param == "embedded":
        yield instance
        return
    url = instance.url("postgres", instance.administrator, "a password")
    made = External(url)
    yield made
    made.stop()


@pytest.mark.parametrize("name", [*ELSEWHERE, *OURS])
def test_hermetics_own(server: Instance, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """It comes to its server, whatever the variable says."""
    monkeypatch.setenv(name, {**ELSEWHERE, **OURS}[name])
    with server.connect() as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("postgres",)


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_applications(opened: Opened, monkeypatch: pytest.MonkeyPatch, driver: str) -> None:
    """It comes to its worker database, with each of them and with all at once."""
    name = opened.database.name
    for variables in [*({key: value} for key, value in ELSEWHERE.items()), ELSEWHERE]:
        with monkeypatch.context() as patch:
            for variable, value in variables.items():
                patch.setenv(variable, value)
            application = Application(driver)
            assert application.run("SELECT current_database()::text") == name, variables
            application.close()


@pytest.mark.parametrize("driver", [each for each in DRIVERS if each != "asyncpg"])
def test_what_says_how_the_application_works(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    """It keeps its meaning; where it has none, the error names the variable."""
    monkeypatch.setenv("PGOPTIONS", "-c search_path=tenant")
    application = Application(driver)
    assert application.run("SHOW search_path") == "tenant"
    application.close()
    for variable, value in {**OURS, "PGTZ": "Nowhere"}.items():
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            application = Application(driver)
            with pytest.raises((ConfigurationError, SQLAlchemyError)) as caught:
                application.run("SELECT 1")
            assert f"hint: unset {variable}" in str(caught.value)
            application.close()


def test_hermetics_own_with_what_cannot_be_named(server: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable."""
    monkeypatch.setenv("PGTZ", "Nowhere")
    with pytest.raises(ConfigurationError, match="the environment sets PGTZ=Nowhere"):
        server.connect()
