"""Tests of what the homes of all backends have in common; more stands with each backend."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.database import folders
from hermetic.database.folders import cache_directory


def test_a_home_that_is_gone_is_nobodys(tmp_path: Path) -> None:
    """It may be removed between the listing and the look."""
    assert folders.is_ours(tmp_path)
    assert not folders.is_ours(tmp_path / "gone")


def test_a_reason_without_words_has_its_number(tmp_path: Path) -> None:
    """Errors of the system have no text at times."""
    assert "5" in str(folders.unusable(tmp_path, None, 5))


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """HERMETIC_CACHE comes first, then XDG_CACHE_HOME, then ~/.cache; a relative XDG path counts as none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("HERMETIC_CACHE", "relative")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_directory() == tmp_path / "relative"
    monkeypatch.delenv("HERMETIC_CACHE")
    assert cache_directory() == Path("/xdg/hermetic")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_directory() == Path("/home/somebody/.cache/hermetic")


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place named then is one where nothing can be made, for root neither."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HERMETIC_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(NotADirectoryError):
        os.makedirs(cache_directory())
