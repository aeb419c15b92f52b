"""Tests of what the homes of all backends have in common; more stands with each backend."""

from __future__ import annotations

from pathlib import Path

from hermetic.database.servers import run_dirs


def test_a_home_that_is_gone_is_nobodys(tmp_path: Path) -> None:
    """It may be removed between the listing and the look."""
    assert run_dirs.is_ours(tmp_path)
    assert not run_dirs.is_ours(tmp_path / "gone")


def test_a_reason_without_words_has_its_number(tmp_path: Path) -> None:
    """Errors of the system have no text at times."""
    assert "5" in str(run_dirs.unusable(tmp_path, None, 5))
