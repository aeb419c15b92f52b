"""Which files of a project are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.source.sources import find_boundary, names_in, read_sources
from tests.source.projects import Project


@pytest.mark.parametrize("where", [".hidden", "node_modules", "build", "app.egg-info", "lib/site-packages"])
def test_what_is_not_the_projects_own_is_left_out(project: Project, where: str) -> None:
    """Hidden folders, packages of others and build output are not read."""
    project.write({f"{where}/a.py": "", "b.py": ""})
    assert [path.name for path in read_sources(project.root).modules] == ["b.py"]


def test_a_virtual_environment_is_told_by_its_marker(project: Project) -> None:
    """A folder of any name with a pyvenv.cfg is an environment; one without is not."""
    project.write({"mine/pyvenv.cfg": "", "mine/a.py": "", "env/b.py": ""})
    assert [path.name for path in read_sources(project.root).modules] == ["b.py"]


def test_the_boundary_is_the_repository(project: Project) -> None:
    """It is the folder with .git, else the project itself."""
    inner = project.write({"backend/app.py": ""}).root / "backend"
    assert find_boundary(inner) == inner
    (project.root / ".git").mkdir()
    assert find_boundary(inner) == project.root


def test_a_directory_that_is_gone_has_nothing_in_it(project: Project) -> None:
    """Nor one that may not be read: what lies beside a project is no reason to fail."""
    assert names_in(project.root / "gone") == []
    assert names_in(project.write({"b/c": "", "a": ""}).root) == ["b", "a"]


def test_a_file_instead_of_a_directory_is_refused(project: Project) -> None:
    """The error says what DIR is."""
    project.write({"main.py": ""})
    with pytest.raises(ConfigurationError, match="is not a directory"):
        read_sources(project.root / "main.py")


def test_a_directory_that_cannot_be_listed_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own reason is part of the error (root may list anything, so the refusal is played)."""

    def refuse(path: object) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("hermetic.source.sources.os.listdir", refuse)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        read_sources(project.root)


def test_a_folder_that_cannot_be_read_is_left_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks into it (root may, so the refusal is played)."""
    project.write({"data/a.py": "", "main.py": ""})
    closed, exists = project.root / "data", Path.exists

    def refuse(path: Path) -> bool:
        if closed in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr("hermetic.source.sources.os.access", lambda path, mode: path != closed)
    monkeypatch.setattr(Path, "exists", refuse)
    assert [path.name for path in read_sources(project.root).modules] == ["main.py"]
