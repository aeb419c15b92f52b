"""Settings are added, and nothing else of a file changes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import iniconfig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermetic.cli.init.editing import Setting, add_settings
from hermetic.errors import ConfigurationError
from hermetic.source.configuration import Configuration, read_configuration

APP = Setting("hermetic_app", "app.main:app")
ENV = Setting("hermetic_env", ("TESTING=true", "URL=x"), "why")


def edited(name: str, text: str, *settings: Setting, tmp_path: Path) -> str:
    """Write a file, add settings to it, and return the new text."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    configuration = read_configuration(path)
    assert configuration is not None
    return add_settings(configuration, settings)


INI_CASES = {
    "only section": ("[pytest]\na = 1\n", "[pytest]\na = 1\n+"),
    "section before another": ("[pytest]\na = 1\n\n[x]\nb = 2\n", "[pytest]\na = 1\n+\n[x]\nb = 2\n"),
    "comment of the next section": ("[pytest]\na = 1\n\n# x\n[x]\n", "[pytest]\na = 1\n+\n# x\n[x]\n"),
    "own trailing comment": ("[pytest]\na = 1\n# a\n\n[x]\n", "[pytest]\na = 1\n# a\n+\n[x]\n"),
    "a banner below": (
        "[pytest]\na = 1\n\n####\n# x\n####\n\n[x]\n",
        "[pytest]\na = 1\n+\n####\n# x\n####\n\n[x]\n",
    ),
    "only comments": ("[pytest]\n# a\n\n# b\n", "[pytest]\n# a\n+\n# b\n"),
    "continuation lines": ("[pytest]\na =\n    1\n    2\n\n\n", "[pytest]\na =\n    1\n    2\n+\n\n"),
    "empty section": ("[pytest]\n[x]\n", "[pytest]\n+[x]\n"),
    "comment behind the header": ("[pytest]  # ours\n", "[pytest]  # ours\n+"),
    "no section": ("", "[pytest]\n+"),
    "no section but comments": ("# mine\n", "# mine\n\n[pytest]\n+"),
    "a header inside a value": ("[x]\na =\n    [pytest]\n[pytest]\n", "[x]\na =\n    [pytest]\n[pytest]\n+"),
}


@pytest.mark.parametrize(("before", "after"), INI_CASES.values(), ids=INI_CASES)
def test_an_ini_file_gets_the_lines_at_the_end_of_its_section(
    before: str, after: str, tmp_path: Path
) -> None:
    """Comments and blank lines stay where they belong."""
    block = "hermetic_app = app.main:app\n# why\nhermetic_env =\n    TESTING=true\n    URL=x\n"
    assert edited("pytest.ini", before, APP, ENV, tmp_path=tmp_path) == after.replace("+", block)


H = "[tool.pytest.ini_options]\n"
TOML_CASES = {
    "only table": (f"{H}a = '1'\n", f"{H}a = '1'\n+"),
    "table before another": (f"{H}a = '1'\n\n[x]\n", f"{H}a = '1'\n+\n[x]\n"),
    "multi-line array": (f"{H}a = [\n  'x',\n  # [x]\n]\n[b]\n", f"{H}a = [\n  'x',\n  # [x]\n]\n+[b]\n"),
    "array of arrays": (f"{H}a = [\n  ['x']\n]\n\n[b]\n", f"{H}a = [\n  ['x']\n]\n+\n[b]\n"),
    "a header in a string": (
        f"[x]\ns = '''\n{H}'''\n{H}a = 'b'\n",
        f"[x]\ns = '''\n{H}'''\n{H}a = 'b'\n+",
    ),
    "a string that ends in blank lines": (f"{H}a = '''\n\n'''\n", f"{H}a = '''\n\n'''\n+"),
    "a string that ends in comments": (f"{H}a = '''\n# x\n[x]\n'''\n", f"{H}a = '''\n# x\n[x]\n'''\n+"),
    "quoted header": (
        '[ tool . "pytest".ini_options ] # x\n[b]\n',
        '[ tool . "pytest".ini_options ] # x\n+[b]\n',
    ),
    "inline tables elsewhere": (
        f"[project]\nx = {{a = 1}}\n{H}[[y]]\n",
        f"[project]\nx = {{a = 1}}\n{H}+[[y]]\n",
    ),
    "no table": ("[project]\nname = 'x'\n", f"[project]\nname = 'x'\n\n{H}+"),
    "other tools": ("[tool]\nx = 1\n[tool.ruff]\n", f"[tool]\nx = 1\n[tool.ruff]\n\n{H}+"),
    "empty file": ("", f"{H}+"),
}


@pytest.mark.parametrize(("before", "after"), TOML_CASES.values(), ids=TOML_CASES)
def test_a_toml_file_gets_the_lines_at_the_end_of_its_table(before: str, after: str, tmp_path: Path) -> None:
    """Nothing that only looks like a header misleads."""
    block = 'hermetic_app = "app.main:app"\n# why\nhermetic_env = ["TESTING=true", "URL=x"]\n'
    assert edited("pyproject.toml", before, APP, ENV, tmp_path=tmp_path) == after.replace("+", block)


def test_a_long_list_has_a_line_an_item(tmp_path: Path) -> None:
    """As a person would write it; a list of one item stays in one line."""
    long = Setting("hermetic_env", ("TOKEN=" + "x" * 40, "URL=" + "y" * 40))
    one = Setting("hermetic_schema", ("z" * 90,))
    lines = edited("pyproject.toml", H, long, one, tmp_path=tmp_path).splitlines()
    assert lines[1] == "hermetic_env = ["
    assert lines[2].startswith('    "TOKEN=') and lines[3].endswith('y",') and lines[4] == "]"
    assert lines[5] == f'hermetic_schema = ["{"z" * 90}"]'


@pytest.mark.parametrize(
    ("name", "text", "header"),
    [
        ("setup.cfg", "[tool:pytest]\n", "[tool:pytest]"),
        ("pyproject.toml", "[tool.pytest]\nx = 1\n", "[tool.pytest]"),
        ("pytest.toml", "", "[pytest]"),
    ],
)
def test_each_kind_of_file_has_its_own_header(name: str, text: str, header: str, tmp_path: Path) -> None:
    """The lines go below the header that pytest looks for in that file."""
    after = edited(name, text, APP, tmp_path=tmp_path)
    assert after.startswith(header)
    assert (again := read_configuration(_written(tmp_path / name, after))) is not None
    assert again.values["hermetic_app"] == "app.main:app"


@pytest.mark.parametrize(
    "text",
    [
        "[tool]\npytest.ini_options.a = '1'\n",
        "[tool.pytest]\nini_options = {a = '1'}\n",
        "tool = {pytest = {ini_options = {}}}\n",
        "tool = {}\n",
        "tool.pytest = 3\n",
    ],
)
def test_a_form_that_lines_cannot_be_added_to_is_refused(text: str, tmp_path: Path) -> None:
    """Inline tables and dotted keys: the error shows the lines to add by hand."""
    path = _written(tmp_path / "pyproject.toml", text)
    configuration = Configuration(path, ("tool", "pytest", "ini_options"), text)
    with pytest.raises(ConfigurationError) as error:
        add_settings(configuration, [APP])
    assert 'hint: hermetic_app = "app.main:app"' in str(error.value)


@pytest.mark.parametrize("text", ["[pytest]\na = 1", "[pytest]\r\na = 1\r\n", "\ufeff[pytest]\r\na = 1"])
def test_line_endings_mark_and_final_newline_are_kept(text: str, tmp_path: Path) -> None:
    """Windows lines stay Windows lines; a file without a final newline keeps none."""
    newline = "\r\n" if "\r\n" in text else "\n"
    tail = newline if text.endswith(newline) else ""
    head = text if tail else text + newline
    expected = f"{head}hermetic_app = app.main:app{tail}"
    assert edited("pytest.ini", text, APP, tmp_path=tmp_path) == expected


def test_quotes_and_backslashes_survive_toml(tmp_path: Path) -> None:
    """A path may hold either."""
    value = 'a"b\\c'
    text = edited("pyproject.toml", "", Setting("pythonpath", (value,)), tmp_path=tmp_path)
    assert tomllib.loads(text)["tool"]["pytest"]["ini_options"]["pythonpath"] == [value]


def test_without_settings_the_text_stays(tmp_path: Path) -> None:
    """Nothing to add is nothing to change, not even a header."""
    assert edited("pytest.ini", "# mine", tmp_path=tmp_path) == "# mine"


def test_a_setting_that_is_there_already_is_never_doubled(tmp_path: Path) -> None:
    """Adding a key again could not be verified, so it is refused."""
    with pytest.raises(ConfigurationError, match="cannot be added to"):
        edited("pytest.ini", "[pytest]\nhermetic_app = other:app\n", APP, tmp_path=tmp_path)


names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda name: not name.startswith("hermetic"))
words = st.from_regex(r"[a-z0-9./]{1,8}", fullmatch=True)
filler = st.sampled_from(["", "# note", "; note", "", "#[pytest]"])


@st.composite
def ini_files(draw: st.DrawFn) -> str:
    """Draw an ini file with sections in any order, comments, continuation lines and any line ending."""
    sections = draw(st.lists(st.sampled_from(["pytest", "tox", "flake8", "x:y"]), unique=True, max_size=4))
    lines: list[str] = draw(st.lists(filler, max_size=2))
    for section in sections:
        lines.append(f"[{section}]" + draw(st.sampled_from(["", " # ours", "  "])))
        for name in draw(st.lists(names, unique=True, max_size=3)):
            lines.append(f"{name}{draw(st.sampled_from([' = ', '=', ' : ']))}{draw(words)}")
            lines += [f"  {word}" for word in draw(st.lists(words, max_size=2))]
            lines += draw(st.lists(filler, max_size=2))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return draw(st.sampled_from(["", "\ufeff"])) + newline.join(lines) + draw(st.sampled_from(["", newline]))


@given(ini_files())
def test_any_ini_file_keeps_all_that_it_says(text: str) -> None:
    """All sections and values are as before, the new ones are there, and all old lines are, in order."""
    configuration = Configuration(Path("pytest.ini"), ("pytest",), text)
    after = add_settings(configuration, [APP, ENV])
    old, new = (dict(_parsed(each)) for each in (text, after))
    added = {"hermetic_app": "app.main:app", "hermetic_env": "TESTING=true\nURL=x"}
    assert new == {**old, "pytest": {**old.get("pytest", {}), **added}}
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert _is_subsequence(
        text.removeprefix("\ufeff").splitlines(), after.removeprefix("\ufeff").splitlines()
    )
    assert "\n" not in text or after.count("\r\n") == ("\r\n" in text) * after.count("\n")


toml_values = st.sampled_from(
    [
        "'x'",
        '"""\n[tool.pytest.ini_options]\n"""',
        "[\n  'a', # [x]\n]",
        "[\n['a']\n]",
        "{ a = 1, b = ['c'] }",
        "'''\n\n# end\n'''",
        "1979-05-27",
    ]
)


@st.composite
def toml_files(draw: st.DrawFn) -> str:
    """Draw a pyproject.toml with strings and arrays that look like headers, comments, and any line ending."""
    tables = st.sampled_from(["project", "tool.pytest.ini_options", "tool.ruff", "tool.ruff.lint"])
    lines: list[str] = draw(st.lists(st.sampled_from(["", "# note"]), max_size=2))
    for table in draw(st.lists(tables, unique=True, max_size=4)):
        lines.append(f"[{table}]")
        for name in draw(st.lists(names.filter(lambda name: name != "lint"), unique=True, max_size=3)):
            lines.append(f"{name} = {draw(toml_values)}")
            lines += draw(st.lists(st.sampled_from(["", "# note", "  # [x]"]), max_size=2))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return "\n".join(lines).replace("\n", newline) + draw(st.sampled_from(["", newline]))


@given(toml_files())
def test_any_toml_file_keeps_all_that_it_says(text: str) -> None:
    """The document is as before but for the new keys, and all old lines are there, in order."""
    section = ("tool", "pytest", "ini_options")
    after = add_settings(Configuration(Path("pyproject.toml"), section, text), [APP, ENV])
    old, new = tomllib.loads(text), tomllib.loads(after)
    table = old.setdefault("tool", {}).setdefault("pytest", {}).setdefault("ini_options", {})
    table.update(hermetic_app="app.main:app", hermetic_env=["TESTING=true", "URL=x"])
    assert new == old
    assert _is_subsequence(text.splitlines(), after.splitlines())


def _parsed(text: str) -> dict[str, dict[str, str]]:
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return {name: dict(values) for name, values in iniconfig.IniConfig("x", data=plain).sections.items()}


def _is_subsequence(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(line in rest for line in part)


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
