"""URLs as people see them."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from hermetic.database.engines.destinations import Itself, LeftAlone, masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        (
            "postgresql://u@h/d?password=secret&sslmode=require",
            "postgresql://u@h/d?password=***&sslmode=require",
        ),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
    ],
)
def test_no_password_is_shown(url: str, shown: str) -> None:
    """Wherever it stands in the URL."""
    assert masked(make_url(url)) == shown


def test_destinations_in_words() -> None:
    """As the events of a run, and so its reports, say where an engine went."""
    assert (str(LeftAlone("why")), str(Itself("why"))) == ("left alone: why", "itself: why")
