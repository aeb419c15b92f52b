"""Fixtures of every scope that write rows and change the schema: after each test all is as its fixtures left it."""

from __future__ import annotations

from hypothesis import given, settings

from tests.database.backends.playing_scopes import Suite
from tests.database.backends.sqlite.restore.playing_scopes import do, plays

LONG = settings.default is not None and settings.default.max_examples > 100


@settings(max_examples=2_000 if LONG else 30)
@given(suite=plays)
def test_the_baseline_comes_back(suite: Suite) -> None:
    """Rows, schema, and words that are found by an index."""
    do(suite)
