"""Where a project defines a table."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.explain.definitions import files_below


def test_files_that_cannot_be_read_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the folder of a database server, of another user (root may read all, so the refusal is played)."""
    for name in (
        "data/a.py",
        "app/closed.py",
        "app/models.py",
        "app/notes.txt",
        "env/b.py",
        "env/pyvenv.cfg",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    closed = {tmp_path / "data", tmp_path / "app/closed.py"}
    monkeypatch.setattr(os, "access", lambda path, mode: path not in closed)
    assert list(files_below(tmp_path)) == [tmp_path / "app/models.py"]
