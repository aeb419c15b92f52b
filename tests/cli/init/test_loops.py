"""In which event loop tests and fixtures are to run, and when nothing is written about it."""

from __future__ import annotations

import pytest

from hermetic.cli.init.loops import SCOPES, Loops, find_loops
from hermetic.source.runner import find_runner
from tests.source.projects import Project, versions


def found(project: Project, *installed: str, mode: str = "auto", **values: object) -> Loops:
    """Return what is proposed for a project, as if only ``installed`` were there."""
    configuration = project.configuration(**({"asyncio_mode": mode} if mode else {}), **values)
    return find_loops(find_runner(project.symbols(), configuration, versions(*installed)), configuration)


def keys(loops: Loops) -> list[str]:
    """Return the keys that would be written."""
    return [setting.key for setting in loops.settings]


def test_one_loop_for_all_says_why(project: Project) -> None:
    """The comment names the cost of a loop a test."""
    loops = found(project, "pytest-asyncio==0.26.0")
    assert [(setting.key, setting.value) for setting in loops.settings] == [
        (key, "session") for key in SCOPES
    ]
    assert "One event loop for all tests" in loops.settings[0].comment
    assert loops.remarks == ()


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
    loops = found(project.write(files), f"pytest-asyncio=={installed}")
    (remark,) = loops.remarks
    assert loops.settings == ()
    assert told in remark.text
    assert remark.file is None or remark.file.exists()


@pytest.mark.parametrize("scope", SCOPES)
def test_an_existing_scope_is_kept_and_not_completed(project: Project, scope: str) -> None:
    """It is told where it leaves fixtures and tests on different loops."""
    assert found(project, "pytest-asyncio", **{scope: "function"}).remarks == ()
    loops = found(project, "pytest-asyncio", **{scope: "session"})
    assert loops.settings == ()
    assert ["a loop of the" in remark.text and scope in remark.text for remark in loops.remarks] == [True]
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
    loops = found(project.write({"tests/test_a.py": text}), "pytest-asyncio")
    assert [remark.text.rpartition(", ")[2] for remark in loops.remarks] == told
    assert bool(loops.settings) is not bool(told)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("import threading\ndef count():\n    return len(threading.enumerate())", [3]),
        ("from threading import active_count as count\n@pytest.fixture\ndef f():\n    n = count()", [4]),
        ("import threading\ndef test_a():\n    threading.enumerate()", []),
        ("for i in enumerate(threading): ...", []),
        ("import threading\ndef tell():\n    log.info('%d threads', len(threading.enumerate()))", []),
    ],
)
def test_who_counts_threads_is_told_what_a_loop_for_all_keeps(
    project: Project, text: str, lines: list[int]
) -> None:
    """Its executor's threads; the keys are written all the same."""
    loops = found(project.write({"tests/conftest.py": text}), "pytest-asyncio")
    assert [remark.line for remark in loops.remarks] == lines
    assert [setting.key for setting in loops.settings] == list(SCOPES)


def test_nothing_is_written_for_anyio(project: Project) -> None:
    """Even where pytest-asyncio is installed too."""
    project.write({"tests/conftest.py": "@pytest.mark.anyio\nasync def test(): ..."})
    assert found(project, "pytest-asyncio", mode="") == Loops()


def test_both_runners_in_use_keep_their_mode(project: Project) -> None:
    """Auto mode would run tests of one with fixtures of the other, so it is not written."""
    project.write({"tests/test_a.py": "import pytest_asyncio\n@pytest.mark.anyio\ndef test(): ..."})
    assert keys(found(project, mode="")) == list(SCOPES)


def test_a_project_without_async_tests_gets_auto_mode(project: Project) -> None:
    """There is no test yet that it could change."""
    assert keys(found(project, "pytest-asyncio", mode="")) == ["asyncio_mode", *SCOPES]


def test_async_tests_that_nobody_runs_get_auto_mode(project: Project) -> None:
    """In strict mode, the default, a test without a mark is an error, or skipped: with auto they run."""
    text = "class TestA:\n    async def test_b(self): ...\nasync def helper(): ..."
    project.write({"tests/test_a.py": text})
    loops = found(project, "pytest-asyncio", mode="")
    assert keys(loops) == ["asyncio_mode", *SCOPES]
    mode, *_ = loops.settings
    assert mode.value == "auto"
    assert mode.comment is not None
    assert "nobody runs them" in mode.comment
    assert not loops.remarks


def test_a_project_with_marked_tests_keeps_its_mode(project: Project) -> None:
    """Auto mode would run tests that were skipped, or run by another plugin."""
    project.write({"tests/test_a.py": "import pytest\n@pytest.mark.asyncio\nasync def test_b(): ..."})
    loops = found(project, "pytest-asyncio", mode="")
    assert keys(loops) == list(SCOPES)
    assert not loops.remarks


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.mark.asyncio\nasync def test_a(): ...\nasync def test_b(): ...",
        "pytestmark = pytest.mark.asyncio\nasync def test_b(): ...",
        "@pytest.mark.anyio\nasync def test_b(): ...",
        "class TestA(IsolatedAsyncioTestCase):\n    async def test_b(self): ...",
    ],
)
def test_nothing_is_said_of_tests_that_somebody_runs(project: Project, text: str) -> None:
    """A mark somewhere, or unittest: the suite has its way."""
    project.write({"tests/test_a.py": text})
    assert found(project, "pytest-asyncio", mode="").remarks == ()


def test_an_existing_mode_is_kept(project: Project) -> None:
    """``asyncio_mode = strict`` stays, and loops get the session's scope."""
    assert keys(found(project, mode="strict")) == list(SCOPES)
