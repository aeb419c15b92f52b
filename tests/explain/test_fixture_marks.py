"""A mark on a fixture is named with the fixture, whichever decorator stands above."""

from __future__ import annotations

import pytest

from hermetic.explain.history import History
from tests.explain.failing import said


def test_a_mark_on_a_fixture() -> None:
    """The mark, the fixture, and what to write for it; pytest 8 takes it."""
    for first, second in (
        (pytest.fixture, pytest.mark.usefixtures("db")),
        (pytest.mark.usefixtures("db"), pytest.fixture),
    ):

        def session() -> None: ...

        try:
            second(first(session))
        except pytest.fail.Exception as error:
            text = said(error, History())
            assert "puts the mark usefixtures on the fixture 'session'" in text
            assert "delete @pytest.mark.usefixtures; what it needs is an argument of it" in text
        else:
            assert int(pytest.__version__.partition(".")[0]) < 9
