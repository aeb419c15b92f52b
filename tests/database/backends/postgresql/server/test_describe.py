"""What is said of a server that is not started."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NoReturn

import pytest

from hermetic.database.backends.postgresql.server import describe as module
from hermetic.database.backends.postgresql.server.describe import Announced, announced


def programs(directory: Path) -> Path:
    """Make a directory that looks like an installation's."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (directory / name).touch(0o755)
    return directory


def test_the_wheel_s_version_is_known() -> None:
    """Its major number is PostgreSQL's."""
    found = announced("embedded")
    assert found is not None
    assert str(found) == f"embedded {found.major}"
    assert found.major is not None and found.major >= 18


def test_a_wheel_without_metadata_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendored copy serves all the same."""

    def lacking(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", lacking)
    assert announced("embedded") == Announced("embedded")


def test_a_directory_tells_by_its_name(tmp_path: Path) -> None:
    """As Debian and Homebrew name it."""
    path = programs(tmp_path / "postgresql@16" / "bin")
    assert announced(str(path)) == Announced(str(path), 16)


def test_a_url_is_shown_without_its_password() -> None:
    """Its version is known once it is reached."""
    assert str(announced("postgresql://me:secret@db/app")) == "postgresql://me:***@db/app"


def test_a_setting_that_finds_nothing_is_no_error_yet() -> None:
    """The first test that needs a server is told."""
    assert announced("/nowhere/at/all") is None
