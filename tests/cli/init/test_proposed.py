"""Where a first conftest is made, and where none is."""

from __future__ import annotations

import pytest

from hermetic.cli.init.proposed import first_conftest
from hermetic.source.configuration import Configuration
from hermetic.source.sources import read_sources
from tests.source.projects import Project


def place(project: Project, **values: object) -> str | None:
    """Return where a conftest would be made."""
    edit = first_conftest(read_sources(project.root), project.configuration(**values))
    return edit.path.relative_to(project.root).as_posix() if edit else None


@pytest.mark.parametrize("text", ["", "def broken(:"])
@pytest.mark.parametrize("where", ["conftest.py", "tests/conftest.py", "app/tests/unit/conftest.py"])
def test_one_anywhere_is_enough(project: Project, where: str, text: str) -> None:
    """Even one that is no valid Python."""
    assert place(project.write({where: text})) is None


def test_a_project_that_was_set_up_without_one_stays_so(project: Project) -> None:
    """Whoever deleted it meant it."""
    assert place(project, hermetic_app="app.main:app") is None


def test_a_conftest_that_is_not_read_is_not_overwritten(project: Project) -> None:
    """A tests directory that is left out of the search may hold one."""
    project.write({"build/conftest.py": ""})
    assert place(project, testpaths="build") is None


@pytest.mark.parametrize(("where", "expected"), [("api", "api/tests"), ("..", "tests")])
def test_without_tests_it_goes_beside_the_configuration(project: Project, where: str, expected: str) -> None:
    """Below the project only."""
    configuration = Configuration((project.root / where).resolve() / "pytest.ini", ("pytest",))
    edit = first_conftest(read_sources(project.root), configuration)
    assert edit is not None
    assert edit.path == project.root / expected / "conftest.py"


@pytest.mark.parametrize(
    ("files", "testpaths", "expected"),
    [
        ([], "", "tests/conftest.py"),
        (["test_main.py"], "", "tests/conftest.py"),
        (["app/tests/test_a.py", "test/unit/test_b.py"], "", "test/conftest.py"),
        (["checks/test_a.py", "tests/test_b.py"], "missing checks", "checks/conftest.py"),
        (["tests/test_b.py"], "..", "tests/conftest.py"),
    ],
)
def test_it_goes_where_the_tests_are(
    project: Project, files: list[str], testpaths: str, expected: str
) -> None:
    """The first directory of ``testpaths`` inside the project, else the topmost tests directory, else ``tests``."""
    assert place(project.write(dict.fromkeys(files, "")), testpaths=testpaths) == expected
