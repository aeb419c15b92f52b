"""Which files of a project are read, and what becomes of those that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.source.sources import find_boundary, is_test_path, names_in, read_sources
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


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("broken.py", b"x = 1\ndef f(:\n", "line 2"),
        ("null.py", b"x = 1\0", "null bytes"),
        ("latin.py", "x = 'ü'".encode("latin-1"), "utf-8"),
    ],
)
def test_a_file_that_is_not_python_is_named_and_skipped(
    project: Project, name: str, content: bytes, reason: str
) -> None:
    """The rest is read all the same."""
    project.write({"good.py": "x = 1"})
    (project.root / name).write_bytes(content)
    sources = read_sources(project.root)
    assert [path.name for path in sources.modules] == ["good.py"]
    assert [(skip.path.name, reason in skip.reason) for skip in sources.skipped] == [(name, True)]


def test_a_declared_encoding_is_respected(project: Project) -> None:
    """A latin-1 file that says so is valid Python, as is one with a byte order mark."""
    (project.root / "a.py").write_bytes("# coding: latin-1\nx = 'ü'\n".encode("latin-1"))
    (project.root / "b.py").write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert len(read_sources(project.root).modules) == 2


def test_an_invalid_escape_in_the_users_code_is_not_our_warning(project: Project) -> None:
    """Warnings are errors here, and yet a file with a doubtful escape is read."""
    project.write({"a.py": 'x = "\\d"\n'})
    assert not read_sources(project.root).skipped


def test_a_dangling_link_is_skipped(project: Project) -> None:
    """A link to nowhere is named, not a crash."""
    (project.root / "a.py").symlink_to("nowhere.py")
    assert [skip.path.name for skip in read_sources(project.root).skipped] == ["a.py"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("conftest.py", True),
        ("app/test_main.py", True),
        ("app/main_test.py", True),
        ("tests/factories.py", True),
        ("app/testing_tools.py", False),
        ("tests.py", False),
    ],
)
def test_tests_are_told_by_name_and_directory(path: str, expected: bool) -> None:
    """pytest's own name patterns count, and everything in a tests folder."""
    assert is_test_path(Path(path)) is expected


def test_examples_and_migrations_are_not_the_application(project: Project) -> None:
    """They are read, but nothing in them is taken for the application."""
    project.write({"examples/a.py": "", "alembic/env.py": "", "app/b.py": ""})
    assert [module.path.name for module in read_sources(project.root).production] == ["b.py"]


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


def test_what_is_aside_is_parsed_when_it_is_asked_for(project: Project) -> None:
    """Migrations and examples matter where something imports them; a broken one is no news."""
    project.write({"migrations/a.py": "x = 1", "docs/b.py": "x =", "main.py": "x = 2", "test_c.py": "x ="})
    sources = read_sources(project.root)
    assert [skip.path.name for skip in sources.skipped] == ["test_c.py"]
    bodies = {path.name: len(module.tree.body) for path, module in sources.modules.items()}
    assert bodies == {"a.py": 1, "b.py": 0, "main.py": 1}
