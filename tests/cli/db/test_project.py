"""Whose databases are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.cli import main
from hermetic.cli.db.project import read_project
from hermetic.database.backends.postgresql import db
from hermetic.errors import ConfigurationError
from tests.cli.db.projects import Project


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without PostgreSQL."""
    monkeypatch.setattr("hermetic.database.backends.postgresql.server.installed._wheel", lambda: None)
    monkeypatch.setattr("hermetic.database.backends.postgresql.server.installed._installed", lambda: iter(()))


def test_the_root_is_pytest_s(project: Project) -> None:
    """Where the configuration is, from a directory below too, of a project with lists in its settings."""
    (project.root / "pytest.ini").unlink()
    (project.root / "pytest.toml").write_text(
        '[pytest]\nhermetic_roles = ["a", "b"]\nhermetic_directory = "homes"\n'
    )
    (project.root / ".git").mkdir()
    (project.root / "tests").mkdir()
    found = read_project(project.root / "tests")
    assert found.root == project.root
    assert found.settings.roles == ("a", "b")
    assert found.directory == project.root / "homes"


@pytest.mark.usefixtures("no_server")
def test_a_project_on_sqlite_needs_no_server(project: Project) -> None:
    """That there is none is no error then."""
    found = read_project(project.root)
    assert db.instance_of(found) is None
    assert db.cluster_of(found) is None


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("setting", ["hermetic_database = postgresql", "hermetic_postgresql = auto"])
def test_a_project_on_postgresql_needs_one(project: Project, setting: str) -> None:
    """That there is none is told."""
    found = read_project(project.write(setting).root)
    with pytest.raises(ConfigurationError, match="no PostgreSQL server was found"):
        db.instance_of(found)


def test_a_project_that_never_ran_has_no_cluster(project: Project, tmp_path: Path) -> None:
    """So no server is started for it."""
    assert db.instance_of(read_project(project.root)) is None


@pytest.mark.parametrize("action", ["list", "start", "clean"])
def test_a_password_of_two_words(project: Project, capsys: pytest.CaptureFixture[str], action: str) -> None:
    """A server that is not there is named without it."""
    project.write("hermetic_postgresql = postgresql://somebody:open sesame@127.0.0.1:1/postgres")
    assert main(["db", action, str(project.root)]) == 2
    captured = capsys.readouterr()
    assert "somebody:***@127.0.0.1:1/postgres cannot be reached" in captured.err
    assert "sesame" not in captured.err + captured.out
