"""What an installed hermetic tells the tools that find it: pip, pytest, type checkers."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import distribution, entry_points
from importlib.resources import files
from pathlib import Path

import pytest

import hermetic

ROOT = Path(__file__).parents[1]


def test_version_is_the_distribution_s() -> None:
    """``hermetic.__version__`` and the installed metadata say the same."""
    assert hermetic.__version__ == distribution("hermetic").version


def test_pytest_finds_the_plugin() -> None:
    """One entry point under ``pytest11`` names the plugin's package."""
    found = [point.value for point in entry_points(group="pytest11") if point.name == "hermetic"]
    assert found == ["hermetic.pytest_plugin"]


def test_the_command_is_installed() -> None:
    """The script ``hermetic`` points at something that can be called."""
    (script,) = [point for point in entry_points(group="console_scripts") if point.name == "hermetic"]
    assert callable(script.load())


def test_type_information_is_shipped() -> None:
    """The package carries ``py.typed``."""
    assert files("hermetic").joinpath("py.typed").is_file()


def test_neither_runner_is_forced_on_a_project() -> None:
    """Without extras nothing but httpx2, pytest and SQLAlchemy is asked for."""
    required = distribution("hermetic").requires or []
    plain = {name.split(">=")[0] for name in required if "extra ==" not in name}
    assert plain == {"httpx2", "pytest", "sqlalchemy[asyncio]"}


def test_python_3_11_is_the_oldest() -> None:
    """The metadata asks for no newer Python than the one the project supports."""
    assert distribution("hermetic").metadata["Requires-Python"] == ">=3.11"
    assert sys.version_info >= (3, 11)


@pytest.mark.parametrize(
    "name", ["pytest", "sqlalchemy", "httpx2", "fastapi", "starlette", "pytest-asyncio", "anyio", "aiosqlite"]
)
def test_the_page_states_the_lowest_versions(name: str) -> None:
    """The lower bounds that ``make compat`` installs are those that docs/compatibility.md promises."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = declared["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    lines = [*project["dependencies"], *extras, *declared["dependency-groups"]["test"]]
    bounds = {
        found[1]
        for line in lines
        if isinstance(line, str)
        and (found := re.match(rf"{name}(?:\[\w+\])?>=([\d.]+)", line))
        and "python_version >=" not in line
    }
    row = re.search(
        rf"^\| {name} \| ([\d.]+)", (ROOT / "docs/compatibility.md").read_text("utf-8"), re.M | re.I
    )
    assert row is not None
    assert bounds == {row[1]}
