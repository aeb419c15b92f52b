"""Telling test code from application code."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.code import is_test_code

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("app/main.py", False),
        ("app/contest.py", False),
        ("conftest.py", True),
        ("app/conftest.py", True),
        ("app/test_main.py", True),
        ("app/main_test.py", True),
        ("tests/factories.py", True),
        ("app/testing/data.py", True),
    ],
)
def test_below_the_project(file: str, expected: bool) -> None:
    """By the file's name, or by a folder of tests below the project's root."""
    assert is_test_code(ROOT / file, ROOT) is expected


def test_a_project_that_lies_in_a_folder_called_test() -> None:
    """What is above the project's root does not count; of what is installed elsewhere, every folder does."""
    assert not is_test_code(Path("/test/project/app/main.py"), Path("/test/project"))
    assert is_test_code(Path("/elsewhere/tests/data.py"), ROOT)
