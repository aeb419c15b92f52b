"""Who runs the async tests."""

from __future__ import annotations

import pytest

from hermetic.source.runner import AsyncSettings, Runner, find_runner, read_async_settings
from tests.source.projects import Project, versions


def found(project: Project, *installed: str, **values: object) -> Runner:
    """Find the runner of a project, as if only ``installed`` could be imported."""
    return find_runner(project.symbols(), project.configuration(**values), versions(*installed))


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
    """Even where pytest-asyncio is installed too."""
    runner = found(project.write({"tests/conftest.py": text}), "pytest-asyncio")
    assert (runner.description, runner.bounds) == ("anyio", ())


def test_anyio_is_told_by_its_setting(project: Project) -> None:
    """``anyio_mode`` in the ini file."""
    assert found(project, anyio_mode="auto").description == "anyio"


def test_a_plugin_that_is_switched_off_is_not_in_use(project: Project) -> None:
    """``-p no:asyncio`` outweighs marks and requirements."""
    project.write({"requirements.txt": "pytest-asyncio"})
    assert found(project, "pytest-asyncio", addopts="-q -p no:asyncio").description == "none"


def test_without_evidence_what_is_installed_decides(project: Project) -> None:
    """A new project uses what is there."""
    assert found(project).description == "none"
    assert found(project, "pytest-asyncio").description == "pytest-asyncio"


def test_both_runners_may_be_in_use(project: Project) -> None:
    """Tests of one, and fixtures of the other."""
    project.write({"tests/test_a.py": "import pytest_asyncio\n@pytest.mark.anyio\ndef test(): ..."})
    runner = found(project)
    assert runner.description == "pytest-asyncio and anyio"


def test_async_tests_are_counted(project: Project) -> None:
    """Methods of classes, too, and no helpers."""
    text = "class TestA:\n    async def test_b(self): ...\nasync def helper(): ...\nasync def test_c(): ...\n"
    assert found(project.write({"tests/test_a.py": text})).async_tests == 2


NOTHING = AsyncSettings(False, False, None, "function", False, False)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, NOTHING),
        (
            {"asyncio_mode": "auto", "anyio_mode": "auto"},
            AsyncSettings(True, True, None, "function", False, False),
        ),
        (
            {"asyncio_default_fixture_loop_scope": "session", "asyncio_default_test_loop_scope": "module"},
            AsyncSettings(False, False, "session", "module", False, False),
        ),
        ({"asyncio_default_fixture_loop_scope": "fixture-scope"}, NOTHING),
        ({"addopts": "--asyncio-mode=auto"}, AsyncSettings(True, False, None, "function", False, False)),
        ({"addopts": ["--anyio-mode", "auto"]}, AsyncSettings(False, True, None, "function", False, False)),
        (
            {"asyncio_mode": "auto", "addopts": "--override-ini asyncio_mode=strict -o x"},
            NOTHING,
        ),
        ({"addopts": "-p no:asyncio -pno:anyio"}, AsyncSettings(False, False, None, "function", True, True)),
    ],
)
def test_keys_and_flags_are_read(
    project: Project, values: dict[str, object], expected: AsyncSettings
) -> None:
    """Flags go before keys."""
    assert read_async_settings(project.configuration(**values)) == expected
