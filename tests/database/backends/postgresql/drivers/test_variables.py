"""libpq's variables: kept from our connections, told where they are at fault, and read for what a URL means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from hermetic.database.address import address_of
from hermetic.database.backend import Address
from hermetic.database.backends.postgresql.drivers import variables
from hermetic.database.backends.postgresql.drivers.libpq import dsn, parameters, without_password
from hermetic.database.backends.postgresql.drivers.psycopg import knows
from hermetic.errors import ConfigurationError


@pytest.fixture(autouse=True)
def none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the shell has."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)


def test_what_they_would_set_is_named() -> None:
    """Each as it is where nothing sets it; what libpq does not know is left out, and what is kept."""
    assert variables.named(knows, keep=()) == {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGHOSTADDR", "192.0.2.1")
        patch.setenv("PGSSLMODE", "verify-full")
        patch.setenv("PGOPTIONS", "-c geqo=off")
        found = variables.named(lambda keyword: keyword != "sslmode", keep=variables.BEHAVIOUR)
        assert found == {"hostaddr": ""}
        patch.setenv("PGSERVICE", "set since")
        assert len(variables.named(knows, keep=())) > 20


def test_the_service_is_put_aside() -> None:
    """Under a name that worker processes inherit; twice is as good as once."""
    environ = {"PGSERVICE": "production", "PATH": "/bin"}
    variables.put_service_aside(environ)
    variables.put_service_aside(environ)
    assert environ == {"HERMETIC_PGSERVICE": "production", "PATH": "/bin"}


def test_programs_get_none() -> None:
    """Only libpq's are left out."""
    assert variables.without({"PGHOST": "x", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_the_one_at_fault_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the server said; other errors stay as they are, and ours too."""
    monkeypatch.setenv("PGTZ", "Nowhere")
    monkeypatch.setenv("PGDATESTYLE", "iso")
    said = 'FATAL:  invalid value for parameter "TimeZone": "Nowhere"'
    with pytest.raises(ConfigurationError) as caught, variables.blamed("the application"):
        raise OSError(said)
    assert "the application cannot connect to the server of the tests: FATAL" in str(caught.value)
    assert "the environment sets PGTZ=Nowhere; " in str(caught.value)
    assert "hint: unset PGTZ" in str(caught.value)
    with pytest.raises(OSError, match="too many clients"), variables.blamed("the application"):
        raise OSError("too many clients")
    ours = ConfigurationError("Nowhere")
    with pytest.raises(ConfigurationError) as told, variables.blamed("the application"):
        raise ours
    assert told.value is ours


@pytest.mark.parametrize("name", ["PGSERVICE", "HERMETIC_PGSERVICE"])
def test_a_url_that_leaves_out_what_a_service_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It means the service's database, also once the variable was put aside; what the URL says goes first."""
    (tmp_path / "services").write_text("[production]\nhost=db.example\nport=6000\ndbname=shop\nuser=shop\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv(name, "production")
    production = Address("postgresql", "shop", "db.example", 6000)
    assert address_of(make_url("postgresql+psycopg://")) == production
    assert address_of(make_url("postgresql+asyncpg:///other")) == Address(
        "postgresql", "other", "db.example", 6000
    )
    monkeypatch.delenv(name)
    assert address_of(make_url("postgresql+psycopg://?service=production")) == production


def test_a_service_of_the_machine_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found where the user has no such file, or one without it; what is nowhere says nothing."""
    (tmp_path / "pg_service.conf").write_text("[production]\nhost=db.example\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "missing"))
    monkeypatch.setenv("PGSERVICE", "production")
    assert address_of(make_url("postgresql:///x")).host == "localhost"
    monkeypatch.setenv("PGSYSCONFDIR", str(tmp_path))
    assert address_of(make_url("postgresql:///x")).host == "db.example"
    (tmp_path / "missing").write_text("[another]\n")
    assert address_of(make_url("postgresql:///x")).host == "db.example"
    (tmp_path / "missing").write_text("nonsense")
    assert address_of(make_url("postgresql:///x")).host == "db.example"


def test_a_url_that_leaves_out_what_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """It means what libpq would make of it."""
    assert address_of(make_url("postgresql+asyncpg:///x")) == Address("postgresql", "x", "localhost")
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("PGUSER", "somebody")
    assert address_of(make_url("postgresql+asyncpg://")) == Address(
        "postgresql", "somebody", "db.example", 6000
    )
    assert address_of(make_url("postgresql://localhost:1/x")) == Address("postgresql", "x", "localhost", 1)


def test_what_a_driver_says_without_the_password() -> None:
    """However it spells it; a word that is public anyway stays, and so does a part of a word."""
    url = make_url("postgresql://u:two%20words@/x")
    assert without_password('"two words", two%20words; twowords', url) == '"***", ***; twowords'
    assert without_password("role postgres", make_url("postgresql://postgres:postgres@/x")) == "role postgres"
    assert without_password("as it is", make_url("postgresql://u@/x")) == "as it is"
    assert without_password("a postal code", make_url("postgresql://u:post@/x")) == "a postal code"


def test_a_url_as_every_reader_takes_it() -> None:
    """libpq wants each space encoded, and knows no plus for it; a file's path stays as it is."""
    url = make_url("postgresql://u:a%20b+c@/x?options=-c%20x%3D1%2B1")
    assert dsn(url) == "postgresql://u:a%20b+c@/x?options=-c%20x%3D1%2B1"
    assert dsn(make_url("sqlite:///a b.db")) == "sqlite:///a b.db"
    several = make_url("postgresql://u@/x?host=a:1&host=b:2")
    assert parameters(several) == {"user": "u", "dbname": "x", "host": "a:1,b:2"}
