"""The pages of reference say what the code says: every key, default, fixture and error code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from hermetic import errors
from hermetic.causes import causes
from hermetic.pytest_plugin import __all__ as FIXTURES
from hermetic.pytest_plugin.marks import signature
from hermetic.pytest_plugin.options import FLAGS
from hermetic.settings import (
    GUARDS,
    INI,
    Background,
    Failures,
    Isolation,
    Level,
    LifespanScope,
    Mode,
    Parameters,
    Settings,
    parse,
)
from tests.docs.pages import ROOT

CHOICES = {
    "hermetic": get_args(Mode),
    "hermetic_isolation": get_args(Isolation),
    **{f"hermetic_{name}": get_args(Level) for name in GUARDS},
    "hermetic_background": get_args(Background),
    "hermetic_failures": get_args(Failures),
    "hermetic_parameters": get_args(Parameters),
    "hermetic_lifespan_scope": get_args(LifespanScope),
}


def sections(name: str, level: str) -> dict[str, str]:
    """Return the text under each heading of a level, by heading."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    parts = re.split(rf"^{level} (.+)\n", text, flags=re.MULTILINE)
    return {
        heading: re.split(r"^#{1,3} ", body, maxsplit=1, flags=re.MULTILINE)[0]
        for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }


KEYS = sections("configuration.md", "###")


def test_every_key_has_a_section() -> None:
    """The headings are the ini keys, in their order."""
    assert list(KEYS) == list(INI)


@pytest.mark.parametrize("key", CHOICES)
def test_valid_values_are_listed(key: str) -> None:
    """The values of a key with a choice are those that the parser takes."""
    (line,) = re.findall(r"^- Values: (.+)$", KEYS[key], re.MULTILINE)
    assert tuple(re.findall(r"`([^`]+)`", line)) == CHOICES[key]


@pytest.mark.parametrize("key", [key for key in CHOICES if key != "hermetic"])
def test_defaults_are_right(key: str) -> None:
    """The default of a key with a choice is that of the settings."""
    (line,) = re.findall(r"^- Default: `(\w+)`$", KEYS[key], re.MULTILINE)
    name = key.removeprefix("hermetic_")
    assert line == (GUARDS[name].default if name in GUARDS else getattr(Settings(), name))


def test_the_mode_s_default_is_right() -> None:
    """The mode is on once an application is named, else off."""
    assert (parse({}).mode, parse({"hermetic_app": "app.main:app"}).mode) == ("off", "on")
    assert "- Default: `on` once `hermetic_app` is set, else `off`" in KEYS["hermetic"]


@pytest.mark.parametrize("key", INI)
def test_flags_are_named(key: str) -> None:
    """A key that is a flag too says so, and no other does."""
    named = re.findall(r"^- Flag: `(--[\w-]+)`", KEYS[key], re.MULTILINE)
    assert named == ([f"--{key.replace('_', '-')}"] if key in FLAGS else [])


@pytest.mark.parametrize("key", [key for key in INI if key != "hermetic"])
def test_examples_parse(key: str) -> None:
    """The example of a key, or what is said to be valid, is taken by the parser."""
    for example in re.findall(rf"^- Example: `{key} = (.+)`$", KEYS[key], re.MULTILINE):
        assert parse({key: example}).sources == {key: "the ini file"}


def test_the_mark_takes_what_is_said() -> None:
    """Each key that is an argument of the mark, too, says so, and no other does."""
    assert [key for key in KEYS if "; mark: " in KEYS[key]] == [
        key for key in INI if key.removeprefix("hermetic_") in signature().parameters
    ]


def test_every_guard_has_a_row() -> None:
    """The table of guards has them all, in their order, with their defaults."""
    text = (ROOT / "docs" / "guards.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(configuration.md#hermetic_\w+\) \| .+ \| `(\w+)` \|", text, re.MULTILINE
    )
    assert rows == [(name, guard.default) for name, guard in GUARDS.items()]


def test_every_fixture_has_a_row() -> None:
    """The table of fixtures names them all, and each name is a fixture."""
    text = (ROOT / "docs" / "fixtures.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \| (?:function|session|as set) \|", text, re.MULTILINE)) == sorted(
        FIXTURES
    )


def test_every_code_has_a_section() -> None:
    """The headings are the codes of the classes; each section names its class and says what ``explain`` says."""
    found = sections("errors.md", "##")
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.HermeticError)
    ]
    for kind in classes:
        if kind is not errors.HermeticError:
            section = " ".join(found.pop(kind.code).split())
            first = (kind.__doc__ or "").partition("\n")[0]
            assert f"**`{kind.__name__}`**" in section
            assert first.lower() in section.lower()
    assert not found


def test_every_cause_has_a_section() -> None:
    """The headings are the codes, in order; each section begins with the name, and has the text, of the table."""
    found = sections("causes.md", "##")
    assert list(found) == list(causes())
    for code, cause in causes().items():
        said = " ".join(found[code].split())
        assert said.startswith(" ".join(f"**{cause.name}** {cause.text}".split())), code


def test_no_code_of_another_page_is_made_up() -> None:
    """Each code that a page speaks of has a section."""
    known = {*sections("errors.md", "##"), *causes(), "HM000"}
    for page in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        assert set(re.findall(r"\bHM\d{3}\b", page.read_text(encoding="utf-8"))) <= known, Path(page).name


def test_the_guide_s_sections_are_in_their_order() -> None:
    """The guide keeps the sections of the document that it stands for."""
    wanted = (
        "The Problem|Common Error Patterns|How Others Handle This Issue|Our Solution|Best Practices|Migration Strategy|"
        "Common Pitfalls|Testing the Solution|References|Summary"
    )
    assert list(sections("guide.md", "##")) == wanted.split("|")


def lower_bounds() -> dict[str, str]:
    """Return the lowest version that pyproject.toml declares for each requirement, in small letters."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, extras = document["project"], document["project"]["optional-dependencies"]
    declared = [
        *project["dependencies"],
        *extras["asyncio"],
        *extras["sqlite"],
        *document["dependency-groups"]["test"],
    ]
    bounds = {"python": project["requires-python"].removeprefix(">=")}
    for name, bound in re.findall(
        r"^([\w-]+)(?:\[\w+\])?>=([\d.]+)", "\n".join(map(str, declared)), re.MULTILINE
    ):
        bounds.setdefault(name, bound)
    return bounds


def test_lowest_versions_are_those_declared() -> None:
    """The page on compatibility names the lower bounds of pyproject.toml."""
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+)(?: \([^)]+\))? \| [\d.]+ \|$", text, re.MULTILINE)
    assert len(rows) == 9
    assert dict(rows) == {name: lower_bounds()[name.lower()] for name, _ in rows}


def test_the_readme_names_the_same_versions() -> None:
    """The README's line on compatibility has the same lower bounds."""
    (line,) = re.findall(
        r"^Python .+ and newer;", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    named = re.findall(r"([\w-]+) (\d+\.[\d.]+)", line.replace(" to 3.13", ""))
    assert len(named) == 6
    assert dict(named) == {name: lower_bounds()[name.lower()] for name, _ in named}
