"""What is kept of failed tests: the names of databases, and how many there may be."""

from __future__ import annotations

import re

import pytest

from hermetic.database.stored import LIMIT, NotKept, kept_name, noted, room_for


def test_a_name_says_whose_it_is() -> None:
    """It starts as all of them do, and two failures of one test have two names."""
    name = kept_name("tests/test_users.py::TestUsers::test_it's taken[Ada Lovelace]")
    assert re.fullmatch(r"hermetic_k_test_it_s_taken_ada_lovelace_[0-9a-f]{6}", name)
    assert name != kept_name("tests/test_users.py::TestUsers::test_it's taken[Ada Lovelace]")


def test_a_long_name_fits_every_server() -> None:
    """PostgreSQL cuts names at 63 bytes."""
    assert len(kept_name(f"test_a.py::test_{'long_' * 50}")) < 63


def test_a_test_s_latest_takes_the_place_of_its_earlier_ones() -> None:
    """Also when there are as many as may be."""
    notes = {f"name {n}": noted(f"test {n}", "/project") for n in range(LIMIT)}
    assert room_for("test 3", notes) == ["name 3"]
    del notes["name 3"]
    assert room_for("test 3", notes) == []


def test_there_is_a_limit() -> None:
    """What is over it is told, with the command that makes room."""
    notes = {f"name {n}": noted(f"test {n}", "/project") for n in range(LIMIT)}
    with pytest.raises(NotKept, match=r"20 databases .* 'hermetic db clean'"):
        room_for("another", notes)
