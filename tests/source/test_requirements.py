"""Which version of a package a project runs with."""

from __future__ import annotations

import pytest

from hermetic.source.requirements import Bound, find_bounds
from tests.source.projects import Project, versions


def bounds(project: Project, *installed: str) -> list[str]:
    """Return what is known of pytest-asyncio's version."""
    found = find_bounds("pytest-asyncio", [project.root, project.root.parent], versions(*installed))
    return [bound.text for bound in found]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("uv.lock", '[[package]]\nname = "pytest-asyncio"\nversion = "0.23.8"', ["0.23.8"]),
        ("poetry.lock", 'version = 1\n[[package]]\nname = "other"\nversion = "1"', []),
        ("pdm.lock", '[[package]]\nname = "pytest-asyncio"\nversion = "1.0"', ["1.0"]),
        ("pylock.toml", '[[packages]]\nname = "pytest-asyncio"\nversion = "1.0"', ["1.0"]),
        (
            "Pipfile.lock",
            '{"develop": {"pytest-asyncio": {"version": "==0.21.0"}}, "_meta": {}, "x": [1]}',
            ["==0.21.0"],
        ),
        ("uv.lock", "[[broken", []),
        ("requirements-dev.txt", "pytest_asyncio[x]>=0.20,<1  # old", [">=0.20,<1"]),
        (
            "requirements.txt",
            "# pytest-asyncio==0.1\npytest-asyncio-cooperative==0.2\nmy-pytest-asyncio==1",
            [],
        ),
        ("tox.ini", "[testenv]\ndeps = pytest-asyncio==0.21.2; python_version > '3'", ["==0.21.2"]),
        ("pyproject.toml", 'dev = ["pytest-asyncio", "httpx<0.28"]', []),
        ("pyproject.toml", 'dev = ["pytest-asyncio (>=0.23,<0.24)", "httpx<0.28"]', [">=0.23,<0.24"]),
        ("pyproject.toml", 'pytest-asyncio = "^0.24.0"', ["^0.24.0"]),
        ("pyproject.toml", 'pytest-asyncio = {extras = ["x"], version = "~0.21", python = ">=3"}', ["~0.21"]),
        ("Pipfile", 'pytest-asyncio = "*"', []),
    ],
)
def test_locks_and_pins_are_read(project: Project, name: str, text: str, expected: list[str]) -> None:
    """Whoever wrote them; what is broken says nothing."""
    assert bounds(project.write({name: text})) == expected


def test_each_way_of_telling_counts(project: Project) -> None:
    """The project's environment goes before that of the command, and a lock file before pins."""
    project.write({"requirements.txt": "pytest-asyncio==1.1", "../poetry.lock": ""})
    assert bounds(project, "pytest-asyncio==1.2") == ["1.2", "==1.1"]
    project.write({"../poetry.lock": '[[package]]\nname = "pytest-asyncio"\nversion = "1.3"'})
    project.write({".venv/Lib/site-packages/pytest_asyncio-1.4.dist-info/METADATA": ""})
    assert bounds(project, "pytest-asyncio==1.2") == ["1.4", "1.3"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.26.0", True),
        ("0.25.9", False),
        ("1.0.0rc1", True),
        ("==0.26", True),
        ("==0.25.*", False),
        ("==0.*", True),
        ("===0.21", False),
        ("<=0.26", True),
        ("<0.26.0", False),
        (">=0.21,<0.22", False),
        (">= 0.21, != 0.22", True),
        (">0.21,<2", True),
        ("~=0.23.0", False),
        ("~=0.23", True),
        ("~0.25", False),
        ("~0.26.1", True),
        ("~0", True),
        ("^0.24.0", False),
        ("^0.26", True),
        ("^0.0.3", False),
        ("^1.2", True),
        ("^0", True),
        ("latest", True),
    ],
)
def test_a_clause_leaves_room_for_a_version_or_not(text: str, expected: bool) -> None:
    """By the rules of pip and of Poetry; what is none of them says nothing."""
    assert Bound(text, None).allows((0, 26)) is expected
