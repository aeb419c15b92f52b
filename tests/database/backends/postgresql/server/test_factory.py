"""Tests of the way from the setting to an instance."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import factory, installed, instance_from, new_instance
from hermetic.database.backends.postgresql.server.embedded import Embedded
from hermetic.database.backends.postgresql.server.external import External
from hermetic.errors import ConfigurationError
from hermetic.settings import Settings


@pytest.mark.parametrize("setting", ["auto", "", " embedded "])
def test_a_name_is_a_server_of_the_runs_own(setting: str, place: Path) -> None:
    """Nothing is started by choosing."""
    instance = new_instance(setting, project=place, directory=place)
    assert isinstance(instance, Embedded)
    assert list(place.iterdir()) == []


def test_a_directory_is_somebodys_own(tmp_path: Path) -> None:
    """A path is looked into, and a wrong one told."""
    for setting in (str(tmp_path), "~/no-such-directory", "./bin"):
        with pytest.raises(ConfigurationError, match="no PostgreSQL server in it"):
            new_instance(setting, project=tmp_path)


@pytest.mark.parametrize("setting", ["postgresql://u:p@host/db", "postgres://u:p@host/db"])
def test_a_url_is_somebody_elses(setting: str, tmp_path: Path) -> None:
    """No server is asked; a driver in the URL does not matter."""
    instance = new_instance(setting, project=tmp_path)
    assert isinstance(instance, External)
    assert str(instance.url("x", "u")) == "postgresql://u:***@host:5432/x"


@pytest.mark.parametrize("setting", ["on", "18", "embeded"])
def test_another_word_is_told(setting: str, tmp_path: Path) -> None:
    """With the values that are valid."""
    with pytest.raises(ConfigurationError, match="use one of: auto, embedded, /path") as caught:
        new_instance(setting, project=tmp_path)
    assert repr(setting) in str(caught.value)


@pytest.mark.parametrize("setting", ["mysql://u:secret@host/db", "postgresql:u:secret", "://secret"])
def test_another_url_is_told_without_its_password(setting: str, tmp_path: Path) -> None:
    """Secrets of a wrong setting do not get into a log."""
    with pytest.raises(ConfigurationError, match="not PostgreSQL's") as caught:
        new_instance(setting, project=tmp_path)
    assert "secret" not in str(caught.value)


def test_windows_is_told_to_use_a_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The launcher needs what POSIX has."""
    monkeypatch.delattr(os, "fork")
    with pytest.raises(ConfigurationError, match="Linux and macOS only") as caught:
        new_instance("embedded", project=tmp_path)
    assert "postgresql://" in str(caught.value)


def test_an_external_server_is_handed_over(tmp_path: Path) -> None:
    """Worker and controller are one run, and the password comes along."""
    first = new_instance("postgresql://u:p@host/db", project=tmp_path)
    second = instance_from(first.handover())
    assert second.run_id == first.run_id
    assert second.url("x", "u").password == "p"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which there is no PostgreSQL server."""
    monkeypatch.setattr(installed, "WHEEL", "no_such_package")
    monkeypatch.setattr(installed, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(factory.HANDED_OVER, raising=False)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("driver_is_there", [False, True])
def test_nothing_is_held_where_nothing_is_named(
    driver_is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project on SQLite needs no driver and no server; its workers are told of none."""
    if not driver_is_there:
        monkeypatch.setattr(factory, "find_spec", lambda name: None)
    assert factory.share(Settings(), tmp_path, tmp_path) is None
    assert factory.HANDED_OVER not in os.environ
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("settings", [Settings(database="postgresql"), Settings(postgresql="/nowhere/bin")])
def test_a_server_that_is_named_must_be_there(settings: Settings, tmp_path: Path) -> None:
    """The run is told before its workers are."""
    with pytest.raises(ConfigurationError, match="no PostgreSQL server"):
        factory.share(settings, tmp_path, tmp_path)
    assert factory.HANDED_OVER not in os.environ
