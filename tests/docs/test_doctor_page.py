"""The page on doctor has the table of its rules, each with its cause, severity, example and change."""

from __future__ import annotations

import re
from inspect import cleandoc

import pytest

from hermetic.cli.doctor.parser import add_parser
from hermetic.doctor.rules import BY_CODE, RULES, Rule
from tests.docs.pages import ROOT
from tests.docs.test_reference import sections

PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
SECTIONS = sections("doctor.md", "###")


def test_every_rule_has_a_section() -> None:
    """In the order of the codes, each of which is used once."""
    assert list(SECTIONS) == sorted(BY_CODE)
    assert len(BY_CODE) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_section_says_what_the_table_says(rule: Rule) -> None:
    """Whitespace aside."""
    text = f"**{rule.cause.name}** ({rule.severity}) {cleandoc(rule.cause.text)} For example: {rule.example}"
    assert SECTIONS[rule.code].split() == f"{text} Instead: {rule.fix}".split()


def test_every_option_is_told() -> None:
    """Those that the command takes, and no others."""
    import argparse

    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    add_parser(verbs)
    taken = set(re.findall(r"--[a-z-]+", verbs.choices["doctor"].format_help())) - {"--help"}
    rows = "\n".join(re.findall(r"^\| `.*", PAGE, re.MULTILINE))
    assert set(re.findall(r"--[a-z-]+", rows)) == taken
