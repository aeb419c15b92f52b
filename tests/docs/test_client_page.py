"""The table of the page on the client: each row is shown by a test."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+?) \| (?:yes|no) \|.*\| `(\S+)::(\S+)` \|$", PAGE, re.MULTILINE)


def test_every_row_names_a_test() -> None:
    """No row of the table goes without."""
    (table,) = re.findall(r"^\| what \|.*\n\| ---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert len(ROWS) == len(table.splitlines()) > 25


@pytest.mark.parametrize(("what", "file", "test"), ROWS)
def test_the_test_of_a_row_is_there(what: str, file: str, test: str) -> None:
    """By its file and its name; the suite runs it."""
    source = (ROOT / "tests" / "client" / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {re.escape(test)}\(", source, re.MULTILINE), what
