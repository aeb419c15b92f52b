"""Which file pytest reads, told as pytest itself tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.errors import ConfigurationError
from hermetic.source.configuration import Configuration, find_configuration, read_configuration
from tests.source.projects import Project

INI = "[pytest]\nminversion = 8\n"
FULL = {
    "pytest.toml": '[pytest]\nminversion = "8"\n',
    ".pytest.toml": '[pytest]\nminversion = "8"\n',
    "pytest.ini": INI,
    ".pytest.ini": INI,
    "pyproject.toml": '[tool.pytest.ini_options]\nminversion = "8"\n',
    "tox.ini": INI,
    "setup.cfg": "[tool:pytest]\nminversion = 8\n",
}


def found(project: Project, where: str = ".") -> Configuration:
    """Return the configuration found from a directory of the project."""
    return find_configuration(project.root / where, project.root)


@pytest.mark.parametrize("first", range(len(FULL)))
def test_the_files_are_taken_in_pytests_order(project: Project, first: int) -> None:
    """Of several files in one directory the first of pytest's list counts, and its values are read."""
    names = list(FULL)[first:]
    configuration = found(project.write({name: FULL[name] for name in names}))
    assert configuration.path.name == names[0]
    assert dict(configuration.values) == {"minversion": "8"}
    assert [path.name for path in configuration.outranked] == names[1:]


def test_what_has_no_settings_loses_none(project: Project) -> None:
    """Nor does a file that pytest could not read; one above does, where pytest is started there."""
    files = {
        "a/pytest.ini": "",
        "a/pyproject.toml": "",
        "a/tox.ini": "[other]",
        "a/setup.cfg": "x",
        "setup.cfg": "[",
    }
    assert found(project.write(files), "a").outranked == ()
    project.write({"tox.ini": INI, "pyproject.toml": "[tool.pytest.ini_options]"})
    assert found(project, "a").outranked == (project.root / "tox.ini",)


@pytest.mark.parametrize("names", [["tox.ini"], ["setup.cfg"], ["tox.ini", "setup.cfg"]])
def test_files_without_a_section_for_pytest_do_not_count(project: Project, names: list[str]) -> None:
    """They belong to somebody else: a pytest.ini is made."""
    configuration = found(project.write(dict.fromkeys(names, "[other]\nx = 1\n")))
    assert configuration == Configuration(project.root / "pytest.ini", ("pytest",))


def test_a_pytest_ini_counts_even_when_it_is_empty(project: Project) -> None:
    """pytest takes its own files whatever they hold."""
    configuration = found(project.write({"pytest.ini": "", "tox.ini": INI}))
    assert (configuration.path.name, configuration.section) == ("pytest.ini", ("pytest",))


def test_a_pyproject_without_a_table_yields_to_a_section_elsewhere(project: Project) -> None:
    """setup.cfg has the section, so it is what pytest reads."""
    project.write({"pyproject.toml": '[project]\nname = "x"\n', "setup.cfg": FULL["setup.cfg"]})
    assert found(project).path.name == "setup.cfg"


def test_a_pyproject_without_a_table_is_better_than_nothing(project: Project) -> None:
    """pytest settles on it, so the table belongs there."""
    configuration = found(project.write({"pyproject.toml": "", "tox.ini": "[other]\n"}))
    assert configuration.path.name == "pyproject.toml"
    assert configuration.section == ("tool", "pytest", "ini_options")


def test_an_empty_table_counts(project: Project) -> None:
    """``[tool.pytest.ini_options]`` without a key makes the file pytest's."""
    project.write({"pyproject.toml": "[tool.pytest.ini_options]\n", "tox.ini": INI})
    assert found(project).path.name == "pyproject.toml"


def test_pytest_9s_own_table_is_typed(project: Project) -> None:
    """``[tool.pytest]`` holds TOML's types, so lists must be arrays there."""
    configuration = found(project.write({"pyproject.toml": '[tool.pytest]\naddopts = ["-q"]\n'}))
    assert (configuration.native, configuration.section) == (True, ("tool", "pytest"))


def test_directories_above_are_searched_up_to_the_boundary(project: Project) -> None:
    """A file above the project but in the repository is what pytest reads; one above the repository is not ours."""
    project.write({"tox.ini": INI, "a/b/x.py": ""})
    assert found(project, "a/b").path == project.root / "tox.ini"
    assert (
        find_configuration(project.root / "a/b", project.root / "a").path == project.root / "a/b/pytest.ini"
    )


def test_a_section_above_goes_before_a_pyproject_without_a_table(project: Project) -> None:
    """pytest walks up for a section first, and settles on the nearest pyproject.toml last."""
    project.write({"tox.ini": INI, "a/pyproject.toml": ""})
    assert found(project, "a").path == project.root / "tox.ini"
    (project.root / "tox.ini").unlink()
    project.write({"pyproject.toml": ""})
    assert found(project, "a").path == project.root / "a/pyproject.toml"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("pyproject.toml", b"[tool", "cannot be parsed"),
        ("pytest.ini", b"x = 1", "no section header"),
        ("pytest.ini", b"[pytest]\na = 1\na = 2", "duplicate name"),
        ("pytest.ini", "[pytest]\n# ü".encode("latin-1"), "not UTF-8"),
        ("setup.cfg", b"[pytest]\n", "rename the section to"),
        ("pyproject.toml", b"[tool.pytest]\na=1\n[tool.pytest.ini_options]\nb='1'", "which pytest refuses"),
    ],
)
def test_what_pytest_would_refuse_is_refused(
    project: Project, name: str, content: bytes, message: str
) -> None:
    """With the file's name and the reason."""
    (project.root / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=message) as error:
        found(project)
    assert name in str(error.value)


def test_a_file_that_vanishes_is_an_error_of_ours(project: Project) -> None:
    """The system's reason is told, without a traceback."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_configuration(project.root / "pytest.ini")


def test_a_byte_order_mark_and_windows_lines_are_read(project: Project) -> None:
    """The text is kept as it is; the values are the same."""
    configuration = found(project.write({"pytest.ini": "\ufeff[pytest]\r\naddopts = -q\r\n    -x\r\n"}))
    assert configuration.text == "\ufeff[pytest]\r\naddopts = -q\r\n    -x\r\n"
    assert configuration.strings("addopts") == ["-q", "-x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("src 'a b'", ["src", "a b"]), (["src", "a b"], ["src", "a b"]), ("it's", ["it's"]), ("", [])],
)
def test_lists_are_read_from_words_and_arrays(value: object, expected: list[str]) -> None:
    """As pytest splits them; a stray quote is part of the word."""
    assert Configuration(Path("x.ini"), ("pytest",), "", {"key": value}).strings("key") == expected
