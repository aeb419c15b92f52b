"""What becomes of one file: what it is for, and what happens where it cannot be read."""

from __future__ import annotations

import pytest

from hermetic.source.sources import read_sources
from tests.source.projects import Project


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


def test_examples_and_migrations_are_not_the_application(project: Project) -> None:
    """They are read, but nothing in them is taken for the application."""
    project.write({"examples/a.py": "", "alembic/env.py": "", "app/b.py": ""})
    assert [module.path.name for module in read_sources(project.root).production] == ["b.py"]


def test_what_is_aside_is_parsed_when_it_is_asked_for(project: Project) -> None:
    """Migrations and examples matter where something imports them; a broken one is no news."""
    project.write({"migrations/a.py": "x = 1", "docs/b.py": "x =", "main.py": "x = 2", "test_c.py": "x ="})
    sources = read_sources(project.root)
    assert [skip.path.name for skip in sources.skipped] == ["test_c.py"]
    bodies = {path.name: len(module.tree.body) for path, module in sources.modules.items()}
    assert bodies == {"a.py": 1, "b.py": 0, "main.py": 1}
