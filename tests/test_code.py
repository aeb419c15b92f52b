"""Telling test code from application code."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import hermetic
from hermetic.code import is_library, is_test_code, is_test_path

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
        ("app/testing/data.py", False),
    ],
)
def test_below_the_project(file: str, expected: bool) -> None:
    """By the file's name, or by a folder of tests below the project's root."""
    assert is_test_code(ROOT / file, ROOT) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("conftest.py", True),
        ("app/test_main.py", True),
        ("app/main_test.py", True),
        ("tests/factories.py", True),
        ("app/testing_tools.py", False),
        ("tests.py", False),
    ],
)
def test_tests_are_told_by_name_and_directory(path: str, expected: bool) -> None:
    """pytest's own name patterns count, and everything in a tests folder."""
    assert is_test_path(Path(path)) is expected


def test_what_lies_above_the_project_does_not_count() -> None:
    """A project, or an environment with an installed application, may lie in a folder called test."""
    assert not is_test_code(Path("/test/project/app/main.py"), Path("/test/project"))
    assert not is_test_code(Path("/home/test/venv/lib/shop/main.py"), ROOT)


@pytest.mark.parametrize("file", ["<string>", asyncio.__file__, pytest.__file__, hermetic.__file__])
def test_a_library_is_nobody_s_project(file: str) -> None:
    """Python's own modules, installed packages, hermetic, and what has no file."""
    assert is_library(file)
    assert not is_library(__file__)
