"""What an examination makes of projects in whatever state: notes, and never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.cli.databases import DATABASES
from hermetic.doctor.examination import examine
from hermetic.errors import CommandError
from hermetic.source.modules import LARGEST
from tests.doctor.examined import AUTO, diagnosed, found, lock
from tests.source.projects import Project

BROKEN = "import httpx\nclient = httpx.AsyncClient(app=app)\n"
TESTCASE = "import unittest\nclass TestA(unittest.TestCase):\n    async def test_users(self): ...\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tests/test_a.py", b"def broken(:\n", "test_a.py was not read: line 1"),
        ("tests/test_a.py", "# é\nname = 'é'".encode("latin-1"), "test_a.py was not read"),
        ("tests/test_a.py", b"# coding: nonsense\n", "test_a.py was not read"),
        ("tests/test_a.py", b"x = '\x00'", "test_a.py was not read"),
        ("tests/test_a.py", b"x = " + b"(" * 500, "test_a.py was not read"),
        ("pyproject.toml", b"[tool.pytest", "pyproject.toml cannot be parsed"),
        ("pyproject.toml", b"\xff\xfe", "pyproject.toml is not UTF-8"),
        ("pytest.ini", b"[pytest\nasyncio_mode", "pytest.ini cannot be parsed"),
        ("setup.cfg", b"[pytest]\na = 1", "setup.cfg has a section [pytest]"),
    ],
)
def test_what_cannot_be_read_is_noted(project: Project, name: str, content: bytes, words: str) -> None:
    """And the rest is examined."""
    project.write({name: ""})
    (project.root / name).write_bytes(content)
    files = {"tests/conftest.py": BROKEN}
    diagnosis = diagnosed(project, files)
    assert [each.rule.code for each in diagnosis.findings] == ["HM720"]
    assert any(words in note for note in diagnosis.notes), diagnosis.notes


def test_many_files_that_cannot_be_read_are_counted(project: Project) -> None:
    """A project for a later Python has hundreds."""
    files = {f"tests/test_{number}.py": "def (" for number in range(9)}
    *_, last = diagnosed(project, {**files, "tests/conftest.py": ""}).notes
    assert last.startswith("4 more files were not read, by the grammar of Python 3.")


def test_a_file_of_data_is_not_read(project: Project) -> None:
    """However large it is: its size is looked at first."""
    project.write({"tests/conftest.py": BROKEN, "tests/data.py": ""})
    with (project.root / "tests/data.py").open("r+b") as file:
        file.truncate(50_000_000)
    diagnosis = diagnosed(project, {})
    assert len(diagnosis.findings) == 1
    assert any("50 MB, too large for a module" in note for note in diagnosis.notes)
    assert LARGEST < 50_000_000


def test_links_that_lead_in_circles_are_not_followed(project: Project) -> None:
    """Folders, files, and links to nothing; a pipe is not read, which would wait for ever."""
    project.write({"tests/conftest.py": BROKEN})
    tests = project.root / "tests"
    (tests / "again").symlink_to(project.root, target_is_directory=True)
    (tests / "loop").symlink_to("loop")
    (tests / "test_loop.py").symlink_to("test_loop.py")
    (tests / "test_gone.py").symlink_to("nowhere.py")
    os.mkfifo(tests / "test_pipe.py")
    diagnosis = diagnosed(project, {})
    assert len(diagnosis.findings) == 1
    assert [note.partition(" was")[0].rpartition("/")[2] for note in diagnosis.notes] == [
        "test_gone.py",
        "test_loop.py",
        "test_pipe.py",
    ]


@pytest.mark.parametrize("start", ["\ufeff", "# coding: latin-1\n", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_and_line_endings_move_no_line(project: Project, start: str, end: str) -> None:
    """A byte order mark is no column; the lines are those that an editor shows."""
    text = start + "text = 'é'; " + TESTCASE
    project.write({"tests/test_a.py": ""})
    encoding = "latin-1" if "latin" in start else "utf-8"
    (project.root / "tests/test_a.py").write_bytes(text.replace("\n", end).encode(encoding))
    line = 4 if "latin" in start else 3
    assert found(project, {}) == [f"tests/test_a.py:{line}:5 HM781"]


def test_columns_count_characters(project: Project) -> None:
    """Not bytes, as syntax trees do."""
    assert found(project, {"tests/a_test.py": "import httpx\nx = 'éé', httpx.Client(app=app)"}) == [
        "tests/a_test.py:2:24 HM720"
    ]


@pytest.mark.parametrize(
    ("before", "comment", "is_found"),
    [
        ("", "  # hermetic: ignore[HM720]", False),
        ("", "  # hermetic: ignore[HM101, HM720] for httpx 0.27", False),
        ("# hermetic: ignore[HM720]\n", "", False),
        ("", "  # hermetic: ignore[HM781]", True),
        ("", "  # hermetic: ignore", True),
        ("x = 1  # hermetic: ignore[HM720]\n", "", True),
    ],
)
def test_a_comment_leaves_a_line_out(project: Project, before: str, comment: str, is_found: bool) -> None:
    """On it, or alone above it, by its code."""
    text = f"import httpx\n{before}client = httpx.AsyncClient(app=app){comment}\n"
    assert bool(found(project, {"tests/conftest.py": text})) is is_found


def test_a_comment_works_in_an_ini_file_too(project: Project) -> None:
    """Above the key, for pytest takes what stands behind it for the value."""
    toml = "[tool.pytest.ini_options]\n# hermetic: ignore[HM717]\nasyncio_mode = 'auto'\n"
    assert found(project, {"pytest.ini": "", "pyproject.toml": toml}) == []


def test_nothing_to_read_is_noted(project: Project) -> None:
    """A folder without a module."""
    diagnosis = examine(project.root, DATABASES)
    assert diagnosis.findings == ()
    assert diagnosis.notes == (f"no Python files in {project.root.resolve()}",)


def test_a_file_stands_for_the_project_around_it(project: Project) -> None:
    """And a note says so."""
    project.write({".git/HEAD": "", "uv.lock": lock(), "tests/conftest.py": BROKEN})
    diagnosis = examine(project.root / "tests/conftest.py", DATABASES)
    assert len(diagnosis.findings) == 1
    assert "is a file: the project around it is examined" in diagnosis.notes[0]


def test_nowhere_is_an_error(tmp_path: Path) -> None:
    """There is nothing to note anything of."""
    with pytest.raises(CommandError, match="does not exist"):
        examine(tmp_path / "nowhere", DATABASES)


@pytest.mark.parametrize(
    ("ini", "mode"),
    [
        ("", "off"),
        ("hermetic_app = app:app", "on"),
        ("hermetic = observe\nhermetic_app = app:app", "observe"),
        ("hermetic_app = app:app\naddopts = --hermetic=off", "off"),
        ("hermetic_app = app:app\naddopts = -p no:hermetic", "off"),
    ],
)
def test_the_mode_is_that_of_the_configuration(project: Project, ini: str, mode: str) -> None:
    """Or of the flags in it."""
    assert diagnosed(project, {"pytest.ini": f"[pytest]\n{ini}\n", "tests/test_a.py": ""}).mode == mode


def test_one_broken_file_hides_nothing_of_others(project: Project) -> None:
    """Several at once, in all places."""
    files = {
        "tests/test_a.py": "def (",
        "tests/conftest.py": BROKEN,
        "pytest.ini": AUTO,
        "uv.lock": lock() + "[[broken",
    }
    assert found(project, files) == ["tests/conftest.py:2:28 HM720"]
