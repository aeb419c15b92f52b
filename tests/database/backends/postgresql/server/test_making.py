"""The way from a project's settings to a server that several processes share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import binaries, making
from hermetic.errors import ConfigurationError
from hermetic.settings import Settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which there is no PostgreSQL server."""
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package")
    monkeypatch.setattr(binaries, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(making.HANDED_OVER, raising=False)


@pytest.mark.parametrize("driver_is_there", [False, True])
def test_nothing_is_held_where_nothing_is_named(
    driver_is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project on SQLite needs no driver and no server; its workers are told of none."""
    if not driver_is_there:
        monkeypatch.setattr(making, "find_spec", lambda name: None)
    assert making.share(Settings(), tmp_path, tmp_path) is None
    assert making.HANDED_OVER not in os.environ
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("settings", [Settings(database="postgresql"), Settings(postgresql="/nowhere/bin")])
def test_a_server_that_is_named_must_be_there(settings: Settings, tmp_path: Path) -> None:
    """The run is told before its workers are."""
    with pytest.raises(ConfigurationError, match="no PostgreSQL server"):
        making.share(settings, tmp_path, tmp_path)
    assert making.HANDED_OVER not in os.environ
