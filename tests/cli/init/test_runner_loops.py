"""In which event loop tests and fixtures are to run, and when nothing is written about it."""

from __future__ import annotations

import pytest

from hermetic.cli.init.runner import SCOPES, Runner, find_runner
from tests.source.projects import Project, versions


def found(project: Project, *installed: str, **values: object) -> Runner:
    """Find the runner of a project, as if only ``installed`` were there."""
    return find_runner(
        project.symbols(), project.configuration(asyncio_mode="auto", **values), versions(*installed)
    )


def test_one_loop_for_all_says_why(project: Project) -> None:
    """The comment names the cost of a loop a test."""
    runner = found(project, "pytest-asyncio==0.26.0")
    assert [(setting.key, setting.value) for setting in runner.settings] == [
        (key, "session") for key in SCOPES
    ]
    assert "a loop a test costs a connect a test" in runner.settings[0].comment
    assert runner.remarks == ()


@pytest.mark.parametrize(
    ("files", "installed", "told"),
    [
        ({}, "0.25.3", "has 0.25.3"),
        ({"requirements.txt": "pytest-asyncio==0.21.2 ; python_version > '3'"}, "1.3", "has ==0.21.2"),
        ({"uv.lock": '[[package]]\nname = "pytest-asyncio"\nversion = "0.24.0"'}, "1.3", "has 0.24.0"),
        (
            {".venv/lib/python3.12/site-packages/pytest_asyncio-0.23.8.dist-info/METADATA": ""},
            "1.3",
            "has 0.23.8",
        ),
    ],
)
def test_a_version_without_the_keys_gets_none(
    project: Project, files: dict[str, str], installed: str, told: str
) -> None:
    """The fixtures' key is older than the tests', and alone it would put them on different loops."""
    runner = found(project.write(files), f"pytest-asyncio=={installed}")
    (remark,) = runner.remarks
    assert runner.settings == ()
    assert told in remark.text
    assert remark.file is None or remark.file.exists()


@pytest.mark.parametrize("scope", SCOPES)
def test_an_existing_scope_is_kept_and_not_completed(project: Project, scope: str) -> None:
    """It is told where it leaves fixtures and tests on different loops."""
    assert found(project, "pytest-asyncio", **{scope: "function"}).remarks == ()
    runner = found(project, "pytest-asyncio", **{scope: "session"})
    assert runner.settings == ()
    assert ["a loop of the" in remark.text and scope in remark.text for remark in runner.remarks] == [True]
    assert found(project, "pytest-asyncio==0.25", **{scope: "session"}).remarks == ()
    assert found(project, "pytest-asyncio", **dict.fromkeys(SCOPES, "session")).remarks == ()
    project.write({"tests/conftest.py": "item.add_marker(pytest.mark.asyncio(loop_scope='session'))"})
    assert found(project, "pytest-asyncio", **{scope: "session"}).remarks == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pytestmark = pytest.mark.asyncio(loop_scope='module')", ["loop_scope='module'"]),
        ("@pytest.mark.asyncio(scope='class')\nclass TestA: ...", ["scope='class'"]),
        ("@pytest_asyncio.fixture(loop_scope=SCOPE)\nasync def f(): ...", ["loop_scope=SCOPE"]),
        ("@pytest.mark.asyncio(loop_scope='session')\nasync def test(): ...", []),
        ("@pytest_asyncio.fixture(scope='module')\nasync def f(): ...", []),
        ("client.call(loop_scope='module')", []),
    ],
)
def test_a_suite_that_names_its_own_scopes_keeps_them(project: Project, text: str, told: list[str]) -> None:
    """The keys would move its other tests, and what they share with these."""
    runner = found(project.write({"tests/test_a.py": text}), "pytest-asyncio")
    assert [remark.text.rpartition(", ")[2] for remark in runner.remarks] == told
    assert bool(runner.settings) is not bool(told)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("import threading\ndef count():\n    return len(threading.enumerate())", [3]),
        ("from threading import active_count as count\n@pytest.fixture\ndef f():\n    n = count()", [4]),
        ("import threading\ndef test_a():\n    threading.enumerate()", []),
        ("for i in enumerate(threading): ...", []),
    ],
)
def test_who_counts_threads_is_told_what_a_loop_for_all_keeps(
    project: Project, text: str, lines: list[int]
) -> None:
    """Its executor's threads; the keys are written all the same."""
    runner = found(project.write({"tests/conftest.py": text}), "pytest-asyncio")
    assert [remark.line for remark in runner.remarks] == lines
    assert [setting.key for setting in runner.settings] == list(SCOPES)
