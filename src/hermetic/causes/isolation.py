"""What follows from each test having the database for itself."""

from __future__ import annotations

from hermetic.causes import Cause

NEEDS_ANOTHER_TEST = Cause(
    "HM730",
    "the test needs what another test had left",
    """
    Each test starts from the baseline: what the tests before it had committed is gone. A test that passed only because
    another one ran before it fails now, as it would have failed alone, or in another order. Let it make what it needs,
    itself or by a fixture; a fixture of module scope makes rows that all tests of a module find.
    `hermetic_isolation = module`, or `@pytest.mark.hermetic(isolation="module")`, leaves the tests of a module what
    those before them left: to see that this is the reason, or until they are mended.
    """,
)
