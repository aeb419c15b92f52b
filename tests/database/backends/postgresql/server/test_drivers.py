"""Tests of what is made of a version's text."""

from __future__ import annotations

import pytest

from hermetic.database.backends.postgresql.server.drivers import version_number


@pytest.mark.parametrize(
    ("text", "number"), [("18.6", 180006), ("15.19", 150019), ("18beta1", 180000), ("19devel", 190000)]
)
def test_the_number_is_the_servers(text: str, number: int) -> None:
    """As server_version_num has it."""
    assert version_number(text) == number
