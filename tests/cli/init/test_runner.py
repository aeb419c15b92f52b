"""Who runs the async tests, and what is written about it."""

from __future__ import annotations

import pytest

from hermetic.cli.init.runner import Runner, find_runner
from hermetic.cli.init.sources import read_sources
from tests.cli.init.projects import Project


def found(project: Project, *installed: str, **values: object) -> Runner:
    """Find the runner of a project, as if only ``installed`` could be imported."""
    configuration = project.configuration(**values)
    return find_runner(read_sources(project.root), configuration, lambda module: module in installed)


def keys(runner: Runner) -> list[str]:
    """Return the keys that would be written."""
    return [setting.key for setting in runner.settings]


SCOPES = ["asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope"]


@pytest.mark.parametrize(
    "files",
    [
        {"requirements-dev.txt": "pytest-asyncio==1.0"},
        {"requirements/test.in": "pytest_asyncio"},
        {"pyproject.toml": '[dependency-groups]\ndev = ["pytest-asyncio"]'},
        {"tests/conftest.py": "import pytest_asyncio"},
        {"tests/test_a.py": "@pytest.mark.asyncio\ndef test(): ..."},
        {"tests/test_a.py": "pytestmark = [pytest.mark.asyncio(loop_scope='module')]"},
    ],
)
def test_pytest_asyncio_is_told_by_requirements_imports_and_marks(
    project: Project, files: dict[str, str]
) -> None:
    """Installed here or not."""
    assert found(project.write(files)).description == "pytest-asyncio"


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.mark.anyio\nasync def test(): ...",
        "@fixture\ndef anyio_backend(): ...",
        "def f(anyio_backend): ...",
    ],
)
def test_anyio_is_told_by_marks_and_its_backend_fixture(project: Project, text: str) -> None:
    """Nothing is written for it, even where pytest-asyncio is installed too."""
    runner = found(project.write({"tests/conftest.py": text}), "pytest_asyncio")
    assert (runner.description, keys(runner)) == ("anyio", [])


def test_anyio_is_told_by_its_setting(project: Project) -> None:
    """``anyio_mode`` in the ini file."""
    assert found(project, anyio_mode="auto").description == "anyio"


def test_a_plugin_that_is_switched_off_is_not_in_use(project: Project) -> None:
    """``-p no:asyncio`` outweighs marks and requirements."""
    project.write({"requirements.txt": "pytest-asyncio"})
    assert found(project, "pytest_asyncio", addopts="-q -p no:asyncio").description == "none"


def test_without_evidence_what_is_installed_decides(project: Project) -> None:
    """A new project uses what is there."""
    assert found(project).description == "none"
    assert found(project, "pytest_asyncio").description == "pytest-asyncio"


def test_both_runners_may_be_in_use(project: Project) -> None:
    """Auto mode would then run tests of one with fixtures of the other, so it is not written."""
    project.write({"tests/test_a.py": "import pytest_asyncio\n@pytest.mark.anyio\ndef test(): ..."})
    runner = found(project)
    assert runner.description == "pytest-asyncio and anyio"
    assert keys(runner) == SCOPES


def test_a_project_without_async_tests_gets_auto_mode(project: Project) -> None:
    """There is no test yet that it could change."""
    assert keys(found(project, "pytest_asyncio")) == ["asyncio_mode", *SCOPES]


def test_a_project_with_async_tests_keeps_its_mode(project: Project) -> None:
    """Auto mode would run tests that were skipped, or run by another plugin."""
    project.write(
        {"tests/test_a.py": "class TestA:\n    async def test_b(self): ...\nasync def helper(): ..."}
    )
    runner = found(project, "pytest_asyncio")
    assert (keys(runner), runner.async_tests) == (SCOPES, 1)


def test_an_existing_mode_is_kept(project: Project) -> None:
    """``asyncio_mode = strict`` stays, and loops get the session's scope."""
    assert keys(found(project, asyncio_mode="strict")) == SCOPES


@pytest.mark.parametrize("scope", SCOPES)
def test_an_existing_loop_scope_is_kept_alone(project: Project, scope: str) -> None:
    """One is never completed by the other: fixtures and tests would be on different loops."""
    assert keys(found(project, asyncio_mode="auto", **{scope: "function"})) == []


def test_session_loops_say_why(project: Project) -> None:
    """The comment names the cost."""
    scope = next(s for s in found(project, "pytest_asyncio").settings if s.key == SCOPES[0])
    assert "a loop a test costs a connect a test" in scope.comment
    assert scope.value == "session"
