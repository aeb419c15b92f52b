"""The rule about settings without effect: files and sections that pytest does not read, keys that nobody has."""

from __future__ import annotations

import pytest

from hermetic.cli.databases import DATABASES
from hermetic.doctor.examination import examine
from tests.doctor.examined import AUTO, diagnosed, found, lock, told
from tests.source.projects import Project

TOML = "[tool.pytest.ini_options]\nminversion = '8'\nasyncio_mode = 'auto'\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pytest.ini": "[pytest]\n"}, ["pyproject.toml:3:1 HM717"]),
        ({"pytest.ini": ""}, ["pyproject.toml:3:1 HM717"]),
        ({"pytest.ini": AUTO}, []),
        ({"pytest.ini": "[pytest]\n", "Makefile": "test:\n\tpytest -c pyproject.toml\n"}, []),
        (
            {
                "pytest.ini": "[pytest]\n",
                ".github/actions/test/action.yml": "  run: pytest -c pyproject.toml\n",
            },
            [],
        ),
        ({"tox.ini": "[pytest]\naddopts = -q\n"}, []),
        ({"setup.cfg": "[tool:pytest]\nasyncio_mode = strict\n"}, ["setup.cfg:2:1 HM717"]),
        ({"setup.cfg": "[pytest\n"}, []),
    ],
)
def test_settings_in_a_file_that_loses_are_not_in_force(
    project: Project, files: dict[str, str], expected: list[str]
) -> None:
    """Whichever of the two pytest reads, unless a run names the other."""
    assert found(project, {"pyproject.toml": TOML, **files}) == expected


def test_settings_of_the_project_above_lose_to_nobody(project: Project) -> None:
    """They are for the tests above."""
    project.write(
        {".git/HEAD": "", "uv.lock": lock(), "pyproject.toml": TOML, "service/pytest.ini": "[pytest]\n"}
    )
    assert examine(project.root / "service", DATABASES).findings == ()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pytest.ini": "[tool:pytest]\nasyncio_mode = auto\n"}, ["pytest.ini:2:1 HM717"]),
        ({"pytest.ini": "[tool.pytest.ini_options]\nhermetic_app = a:app\n"}, ["pytest.ini:2:1 HM717"]),
        ({"pytest.ini": f"{AUTO}[tool:pytest]\nasyncio_mode = strict\n"}, []),
        ({"pytest.ini": f"{AUTO}[x]\nanyio_mode = auto\n"}, []),
        ({"pytest.ini": AUTO, "tox.ini": "[tool:pytest]\nanyio_mode = auto\n"}, ["tox.ini:2:1 HM717"]),
        ({"pyproject.toml": "[pytest.ini_options]\nasyncio_mode = 'auto'\n"}, ["pyproject.toml:2:1 HM717"]),
    ],
)
def test_settings_in_a_section_that_is_not_read(
    project: Project, files: dict[str, str], expected: list[str]
) -> None:
    """Where it is one of pytest's in a file of another name, and nothing that is read sets the same."""
    assert found(project, files) == expected


def test_the_section_that_is_read_is_named(project: Project) -> None:
    """And that which is not, with all that stands there."""
    text = "[tool:pytest]\nasyncio_mode = auto\nhermetic_app = a:app\n"
    assert told(project, {"pytest.ini": text}) == (
        "not in force: asyncio_mode, hermetic_app. In a file of this name pytest reads [pytest], and not [tool:pytest]"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "asyncio-mode = auto",
            "not in force: asyncio-mode. No plugin has a key of this name: asyncio_mode is one",
        ),
        (
            "hermetic_shema = a:Base",
            "hermetic_shema is no key of hermetic's, and a run refuses it: hermetic_schema is one",
        ),
        ("hermetic_colour = red", "hermetic_colour is no key of hermetic's, and a run refuses it"),
    ],
)
def test_a_key_that_nobody_has(project: Project, line: str, expected: str) -> None:
    """The one that is spelt most like it is named, where there is one."""
    assert told(project, {"pytest.ini": f"[pytest]\n{line}\n"}) == expected


@pytest.mark.parametrize("line", ["asyncio_debug = true", "markers = slow", "hermetic_app = a:app"])
def test_a_key_that_somebody_has(project: Project, line: str) -> None:
    """Nothing is said of it."""
    assert found(project, {"pytest.ini": f"[pytest]\n{line}\n"}) == []


def test_hermetics_own_settings_do_not_count_where_none_of_them_do(project: Project) -> None:
    """What is broken without hermetic is asked for."""
    text = "[pytest]\nhermetic_shema = a:Base\n[tool:pytest]\nhermetic_app = a:app\n"
    assert diagnosed(project, {"pytest.ini": text}, uses_hermetic=False).findings == ()
