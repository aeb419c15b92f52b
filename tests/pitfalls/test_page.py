"""The page of pitfalls says of each what was seen."""

from __future__ import annotations

from tests.pitfalls import corpus, page, results


def test_page_says_how_the_projects_ended() -> None:
    """A line that has become untrue, for better or worse, is named."""
    assert list(page.untrue(results.read())) == []


def test_page_has_a_line_for_each_project() -> None:
    """Each of the repository's own, once."""
    told = sorted(name for row in page.rows() for name in row.cases)
    assert told == sorted(case.name for case in corpus.own())
