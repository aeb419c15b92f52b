"""What is read from a statement."""

from __future__ import annotations

import pytest

from hermetic.database.backends.postgresql.restore.session_state import (
    leaves_traces,
    of_a_database,
    of_a_role,
)

COMMENTS = [
    "",
    " \n\t",
    "-- a line\n",
    "/* a */ -- b\n /* c\n */",
    "/* a /* nested */ one */",
    "/**/" * 10_000,
    "-- a\n" * 10_000,
]


@pytest.mark.parametrize("before", COMMENTS, ids=range(len(COMMENTS)))
def test_comments_before_the_first_word(before: str) -> None:
    """Blanks and comments are passed over, however many, whether or not the word is one of those."""
    assert leaves_traces(f"{before}SET search_path = tenant")
    assert not leaves_traces(f"{before}SET LOCAL search_path = tenant")
    assert not leaves_traces(f"{before}1")
    assert of_a_database(f'{before}DROP DATABASE "a""b"') == ("drop", 'a"b')
    assert of_a_database(f"{before}SELECT 1") is None


def test_what_a_comment_says() -> None:
    """Is no statement, nor what stands behind one that does not end."""
    assert not leaves_traces("/* SET a = 1 */ SELECT 1")
    assert not leaves_traces("-- SET a = 1")
    assert not leaves_traces("/* a /* b */ SET a = 1")


@pytest.mark.parametrize(
    ("statement", "role"),
    [
        ("ALTER ROLE app SET work_mem = '1MB'", "app"),
        ("/* x */ alter user App NOLOGIN", "app"),
        ('ALTER ROLE "My ""role""" IN DATABASE d RESET ALL', 'My "role"'),
        ("ALTER ROLE CURRENT_USER SET x.y = 'z'", "current_user"),
        ("ALTER ROLE ALL RESET ALL", "all"),
        ("ALTER USER MAPPING FOR app SERVER s OPTIONS (x 'y')", None),
        ("ALTER TABLE role ADD x integer", None),
    ],
)
def test_a_statement_that_alters_a_role(statement: str, role: str | None) -> None:
    """The role is known by its name; words that stand for roles are given as they are."""
    assert of_a_role(statement) == role
