"""What is still to do once a suite is asynchronous."""

from __future__ import annotations

import pytest

from hermetic.cli.migrate.next_steps import next_steps
from hermetic.migrate.migration import read
from tests.source.projects import Project

MISSING = (
    "pip install 'hermetic[asyncio]': there is no pytest-asyncio here, which runs the asynchronous tests"
)


@pytest.mark.parametrize(
    ("requirements", "installed", "is_told"),
    [
        ("hermetic", "", True),
        ("hermetic", "1.4.0", False),
        ("hermetic[sqlite,asyncio]", "", False),
        ("hermetic\npytest_asyncio", "", False),
    ],
)
def test_the_plugin_that_runs_what_is_written_has_to_be_there(
    requirements: str, installed: str, is_told: bool, project: Project
) -> None:
    """The marks that were written say that pytest-asyncio runs them, whether or not there is one."""
    project.write(
        {
            "requirements.txt": requirements,
            "tests/test_a.py": "import pytest\n\n@pytest.mark.asyncio\nasync def test(): ...\n",
        }
    )
    assert (MISSING in next_steps(read(project.root), lambda name: installed)) == is_told
