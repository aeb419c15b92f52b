"""The command: arguments, streams, exit codes, and what is written."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence

import pytest

from hermetic.cli import main
from hermetic.cli.migrate.command import run
from hermetic.cli.migrate.parser import add_parser
from hermetic.errors import ConfigurationError
from hermetic.migrate.step import Left, Outcome, Step, TestName
from tests.migrate.stepping import renaming
from tests.source.projects import Project

TEST = "def test_one():\n    old()\n\n\ndef test_stays():\n    old()\n"
STEPS = (
    renaming("old", "new"),
    renaming("older", "new", "rename-older"),
    renaming("sync", "fast", "risky", is_safe=False),
)


def migrate(project: Project, *words: str, steps: Sequence[Step] = STEPS) -> int:
    """Run the command as ``hermetic`` does, with steps of these tests."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return run(parser.parse_args(["migrate", str(project.root), *words]), steps)


def test_it_shows_a_diff_and_changes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """``patch`` makes of it what ``--write`` writes; what is said of it goes to stderr."""
    project.write({"tests/test_a.py": TEST, ".git/HEAD": ""})
    assert migrate(project) == 0
    shown = capsys.readouterr()
    assert project.read("tests/test_a.py") == TEST
    assert "test_a.py:5: HM899: test_stays: old is wanted\n" in shown.err
    assert "test_a.py:1: old was here\n" in shown.err
    assert "\n1 test converted in 1 file, 1 left (HM899 1)\n" in shown.err
    assert shown.err.endswith("the same with --write changes these files\n")
    subprocess.run(["patch", "-p1"], cwd=project.root, input=shown.out.encode(), check=True)
    assert project.read("tests/test_a.py") == TEST.replace("old", "new", 1)


def test_a_second_run_changes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """With line ends, marks of byte order and comments as they were; what is left is told again."""
    text = "\ufeff# é\r\n" + TEST.replace("\n", "  # why\r\n")
    project.write({"tests/test_a.py": text})
    assert migrate(project, "--check") == 1
    assert capsys.readouterr().out.startswith("would change ")
    assert migrate(project, "--write", "--comment") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("changed ") and shown.out.endswith("test_a.py (rename, comments)\n")
    assert "test_a.py:7: HM899: test_stays" in shown.err
    after = project.read("tests/test_a.py")
    assert after.replace("# hermetic migrate: HM899: old is wanted\r\n", "").replace("new", "old") == text
    assert migrate(project, "--check", "--comment") == 0
    assert migrate(project, "--write", "--comment") == 0
    assert project.read("tests/test_a.py") == after
    assert capsys.readouterr().out == ""


def test_tests_that_one_line_keeps_are_told_together(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for the reason, and one for those of each file."""
    file = project.write({"tests/conftest.py": "", "tests/test_a.py": ""}).root / "tests/conftest.py"
    names = [("test_a.py", "test_two"), ("conftest.py", "test_one"), ("test_a.py", "TestA::test_b")]
    left = tuple(Left(TestName(file.with_name(at), path), "HM899", file, 3, "why") for at, path in names)
    step = Step("keeps", "", True, ("", ""), lambda project: Outcome({}, left=left))
    migrate(project, steps=[step])
    assert capsys.readouterr().err.splitlines() == [
        f"left          {file}:3: HM899: 3 tests: why",
        f"                  {file}: test_one",
        f"                  {file.with_name('test_a.py')}: TestA::test_b, test_two",
        "0 tests converted in 0 files, 3 left (HM899 3)",
    ]


def test_of_many_tests_that_one_line_keeps_the_first_are_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five of a file, and five files; all of them with -v, and in JSON."""
    root = project.write({"tests/conftest.py": ""}).root / "tests"
    names = [(f"test_{at}.py", f"test_{number}") for at in range(7) for number in range(9)]
    left = tuple(
        Left(TestName(root / at, path), "HM899", root / "conftest.py", 3, "why") for at, path in names
    )
    steps = [Step("keeps", "", True, ("", ""), lambda project: Outcome({}, left=left))]
    migrate(project, steps=steps)
    first = capsys.readouterr().err.splitlines()
    assert first[1:7] == [
        *(
            f"                  {root}/test_{at}.py: test_0, test_1, test_2, test_3, test_4, and 4 more (-v names all)"
            for at in range(5)
        ),
        "                  and 2 more (-v names all)",
    ]
    migrate(project, "-v", steps=steps)
    assert capsys.readouterr().err.count("test_8") == 7
    migrate(project, "--format", "json", steps=steps)
    assert len(json.loads(capsys.readouterr().out)["left"]) == 63


def test_a_project_without_such_tests_is_left_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is to be done, then."""
    project.write({"tests/test_a.py": "def test(): ...\n"})
    assert migrate(project, "--check") == 0
    assert capsys.readouterr() == ("", "nothing to do\n")


@pytest.mark.parametrize(
    ("words", "after"),
    [
        ([], "new(); new(); sync()"),
        (["--only", "rename"], "new(); new(); sync()"),
        (["--only", "rename-older"], "old(); new(); sync()"),
        (["--skip", "rename-older"], "new(); older(); sync()"),
        (["--unsafe"], "new(); new(); fast()"),
        (["--unsafe", "--only", "risky"], "old(); older(); fast()"),
    ],
)
def test_steps_are_selected(words: list[str], after: str, project: Project) -> None:
    """By name; a name stands for those that begin with it and a hyphen."""
    project.write({"tests/test_a.py": "old(); older(); sync()"})
    migrate(project, "--write", *words)
    assert project.read("tests/test_a.py") == after


def test_it_tells_what_unsafe_would_do(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what it would do beside the rest."""
    project.write({"tests/test_a.py": "old(); sync()", "tests/test_b.py": "old()"})
    migrate(project)
    assert "unsafe        risky would change 1 file with --unsafe\n" in capsys.readouterr().err
    migrate(project, "--unsafe")
    assert "unsafe" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--only", "nonsense"], "use one of: rename, rename-older, risky"),
        (["--skip", "ren"], "use one of: rename, rename-older, risky"),
        (["--only", "risky"], "hermetic migrate --only risky --unsafe"),
        (["--explain", "nonsense"], "use one of: rename, rename-older, risky, or a code such as HM821"),
    ],
)
def test_a_mistake_lists_what_there_is(words: list[str], hint: str, project: Project) -> None:
    """And nothing is read."""
    with pytest.raises(ConfigurationError) as raised:
        migrate(project, *words)
    assert raised.value.hints == (hint,)


def test_steps_and_codes_are_listed_and_explained(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """A code is explained as ``hermetic explain`` does."""
    assert migrate(project, "--list") == 0
    assert capsys.readouterr().out.splitlines()[::2] == [
        "rename        safe    writes new for old",
        "risky         unsafe  writes fast for sync",
    ]
    assert migrate(project, "--explain", "risky") == 0
    assert capsys.readouterr().out == (
        "risky  writes fast for sync (unsafe: read what it makes of the files; it runs with --unsafe only)\n\n"
        "for example:\n    sync()\n\nbecomes:\n    fast()\n"
    )
    assert migrate(project, "--explain", "hm113") == 0
    assert capsys.readouterr().out.startswith("HM113  CommandError")


def test_json_has_all_that_is_told(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """In one object."""
    project.write({"tests/test_a.py": TEST, "tests/test_b.py": "sync()", "tests/test_c.py": "def ("})
    migrate(project, "--format", "json")
    told = json.loads(capsys.readouterr().out)
    files = {name: str(project.root / "tests" / f"test_{name}.py") for name in "abc"}
    assert told == {
        "written": False,
        "changes": [{"file": files["a"], "steps": ["rename"]}],
        "converted": [f"{files['a']}::test_one"],
        "left": [
            {
                "test": f"{files['a']}::test_stays",
                "code": "HM899",
                "file": files["a"],
                "line": 5,
                "message": "old is wanted",
            }
        ],
        "review": [{"file": files["a"], "line": 1, "message": "old was here"}],
        "notes": [f"{files['c']} was not read: line 1: invalid syntax"],
        "defects": [],
        "unsafe": {"risky": 1},
        "next": ["the same with --write changes these files"],
    }


def test_github_shows_it_beside_the_lines(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """What would change, what is left and what to read."""
    project.write({"tests/test_a.py": TEST})
    assert migrate(project, "--check", "--format", "github") == 1
    file = project.root / "tests/test_a.py"
    assert capsys.readouterr().out.splitlines() == [
        f"::notice file={file},line=1::hermetic migrate would change this file",
        f"::notice file={file},line=5,title=HM899::test_stays is left: old is wanted",
        f"::warning file={file},line=1,title=review::old was here",
    ]


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (
            {},
            [
                "add hermetic[asyncio] to the requirements of the tests, which do not name hermetic",
                "hermetic init, for a database of their own that is clean before each test, if you like",
            ],
        ),
        (
            {
                "requirements.txt": "hermetic[asyncio]",
                "pytest.ini": "[pytest]\nasyncio_mode = auto\nhermetic_app = a:b",
            },
            [],
        ),
        (
            {
                "requirements.txt": "hermetic",
                "pytest.ini": "[pytest]\naddopts = -p no:asyncio\nhermetic = on",
            },
            ["pip install 'hermetic[asyncio]', then hermetic init: nobody runs asynchronous tests here"],
        ),
        (
            {
                "tests/test_a.py": "async def test(): old()\n",
                "requirements.txt": "hermetic[asyncio]",
                "pytest.ini": "[pytest]\nhermetic_app = a:b",
            },
            [
                "hermetic init, which sets asyncio_mode = auto: no test has a mark, and in strict mode nobody runs"
                " them"
            ],
        ),
    ],
)
def test_it_says_what_is_still_to_do(
    files: dict[str, str], wanted: list[str], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once the files are written."""
    project.write({"tests/test_a.py": "@pytest.mark.asyncio\nasync def test(): old()\n", **files})
    migrate(project, "--write", "--format", "json")
    assert json.loads(capsys.readouterr().out)["next"] == [*wanted, "run pytest"]


def test_a_defect_of_hermetic_is_an_error(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The file stays, the rest is written, and the exit code is 2."""
    project.write({"tests/test_a.py": "old.x", "tests/test_b.py": "[old]"})
    assert migrate(project, "--write", steps=[renaming("old", "1")]) == 2
    assert project.read("tests/test_b.py") == "[1]"
    assert (
        "test_a.py is left as it is: the step rename would make of it what is not" in capsys.readouterr().err
    )


def test_the_verb_is_the_command_s(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A file stands for its project; one that is not there is an error."""
    project.write({"tests/test_a.py": "def test(): ...\n"})
    assert main(["migrate", str(project.root / "tests/test_a.py")]) == 0
    assert main(["migrate", str(project.root / "nowhere")]) == 2
    assert "nowhere does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("here", "place", "changed"),
    [
        (".", "tests/test_a.py", ["tests/test_a.py"]),
        (".", "tests", ["tests/test_a.py", "tests/test_b.py"]),
        ("tests", "test_b.py", ["test_b.py"]),
        (".", "", ["conftest.py", "tests/test_a.py", "tests/test_b.py"]),
    ],
)
def test_a_path_is_all_that_is_changed(
    here: str,
    place: str,
    changed: list[str],
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its project is read from where it begins: a repository, or without one where the command is started."""
    files = dict.fromkeys(("conftest.py", "tests/test_a.py", "tests/test_b.py"), TEST)
    project.write({"pytest.ini": "[pytest]\npythonpath = .\n", **files})
    monkeypatch.chdir(project.root / here)
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    assert run(parser.parse_args(["migrate", "--check", *([place] if place else [])]), STEPS) == 1
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == changed
