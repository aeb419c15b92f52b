"""The command: arguments, streams, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hermetic.cli import main
from tests.doctor.examined import lock
from tests.source.projects import Project

BROKEN = {
    ".git/HEAD": "",
    "uv.lock": lock(),
    "tests/conftest.py": "import httpx\nclient = httpx.AsyncClient(app=app)\n",
    "tests/test_a.py": "import unittest\nclass TestA(unittest.TestCase):\n    async def test(self): ...\n",
}


def codes(project: Project, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Return the codes that the command finds in a project."""
    main(["doctor", str(project.root), "--format", "json", *words])
    return [each["code"] for each in json.loads(capsys.readouterr().out)["findings"]]


def test_findings_go_to_stdout_and_the_rest_to_stderr(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """With 1 for an exit code."""
    project.write({**BROKEN, "tests/test_b.py": "def ("})
    assert main(["doctor", str(project.root)]) == 1
    captured = capsys.readouterr()
    assert "conftest.py:2:28: HM720 error: httpx 0.28.1 (uv.lock) has no argument app" in captured.out
    assert "note:" in captured.err and "test_b.py was not read" in captured.err
    assert captured.err.endswith("2 errors and 0 warnings (hermetic is off in this project)\n")


def test_a_sound_project_exits_with_0(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing on stdout."""
    project.write({"tests/test_a.py": "def test(): ..."})
    assert main(["doctor", str(project.root)]) == 0
    assert capsys.readouterr().out == ""


def test_codes_are_selected_and_ignored(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """By their beginnings, in any case."""
    project.write(BROKEN)
    assert codes(project, capsys) == ["HM720", "HM781"]
    assert codes(project, capsys, "--select", "hm78") == ["HM781"]
    assert codes(project, capsys, "--ignore", "HM781,HM722") == ["HM720"]
    assert codes(project, capsys, "--select", "HM7", "--ignore", "HM7") == []


@pytest.mark.parametrize(
    "words",
    [["--select", "HM101"], ["--ignore", "E501"], ["--explain", "nonsense"], ["--python", "/nowhere/python"]],
)
def test_what_there_is_not_exits_with_2(
    project: Project, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """A code or an interpreter."""
    assert main(["doctor", str(project.root), *words]) == 2
    assert "hint: " in capsys.readouterr().err


def test_a_folder_that_there_is_not_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a mistyped path is not taken for a sound project."""
    assert main(["doctor", "/does/not/exist"]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Here with an example, and by ``hermetic explain`` too."""
    assert main(["doctor", "--explain", "hm781"]) == 0
    assert "IsolatedAsyncioTestCase" in capsys.readouterr().out
    assert main(["explain", "HM781"]) == 0
    assert "An async test of a plain unittest.TestCase" in capsys.readouterr().out


def test_the_beginning_of_codes_explains_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    """As ``--select`` takes it for all of them."""
    assert main(["doctor", "--explain", "HM78"]) == 0
    told = capsys.readouterr().out
    assert [line[:5] for line in told.splitlines() if line.startswith("HM")] == ["HM781", "HM784"]


def test_an_interpreter_is_asked_by_its_files(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not run; its environment may be named instead."""
    site = "elsewhere/lib/python3.12/site-packages/httpx-0.27.2.dist-info/METADATA"
    project.write({**BROKEN, "uv.lock": "", "elsewhere/bin/python": "", site: ""})
    elsewhere = project.root / "elsewhere"
    assert codes(project, capsys, "--python", str(elsewhere / "bin/python")) == ["HM781"]
    assert codes(project, capsys, "--python", str(elsewhere)) == ["HM781"]


def test_the_format_is_githubs(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Annotations, one a line."""
    project.write(BROKEN)
    main(["doctor", str(project.root), "--format", "github"])
    assert [line[:13] for line in capsys.readouterr().out.splitlines()] == ["::error file="] * 2


def test_without_hermetic_its_settings_do_not_count(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """What bites before it is set up, or if it were not."""
    engine = (
        "from sqlalchemy import NullPool\nfrom sqlalchemy.ext.asyncio import create_async_engine\n"
        "engine = create_async_engine('sqlite+aiosqlite://', poolclass=NullPool)\n"
        "async def tables():\n    async with engine.begin() as connection:\n"
        "        await connection.run_sync(metadata.create_all)\n"
    )
    project.write({"app.py": engine, "pytest.ini": "[pytest]\nhermetic_app = app:app\n"})
    assert codes(project, capsys) == []
    assert codes(project, capsys, "--without-hermetic") == ["HM784"]


def test_the_command_imports_nothing_of_a_project_and_no_library() -> None:
    """Neither its own database half, nor what a project may have in another version."""
    heavy = {"sqlalchemy", "fastapi", "httpx2", "pytest"}
    code = f"import sys, hermetic.cli.doctor.command; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
