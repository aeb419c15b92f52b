"""The servers of runs that live now."""

from __future__ import annotations

from pathlib import Path

import pytest

from hermetic.database import folders
from hermetic.database.backends.postgresql.server import run_dir
from hermetic.database.backends.postgresql.server.live_servers import running
from hermetic.database.stored import Running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a run that counts as alive."""
    monkeypatch.setattr(run_dir, "is_dead", lambda home: False)
    home = tmp_path / f"{folders.prefix()}pg-0a0a0a0a"
    home.mkdir()
    return home


def test_it_says_whose_it_is(home: Path) -> None:
    """The process, and the words that it gave."""
    (home / "alive").write_text("process 12 /my project\n")
    assert Running(home, 12, "/my project") in running([home.parent])


def test_what_says_nothing_is_passed_over(home: Path) -> None:
    """It may be ending just now."""
    assert home not in [one.home for one in running([home.parent])]
    (home / "alive").write_text("")
    assert home not in [one.home for one in running([home.parent])]
