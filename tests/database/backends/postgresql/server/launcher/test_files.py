"""Tests of locks and files that appear as a whole."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from hermetic.database.backends.postgresql.server.launcher import files


def test_a_lock_excludes(tmp_path: Path) -> None:
    """Also within one process; readers do not exclude each other."""
    path = str(tmp_path / "lock")
    with files.locked(path, fcntl.LOCK_SH):
        with files.locked(path, fcntl.LOCK_SH | fcntl.LOCK_NB):
            pass
        with pytest.raises(BlockingIOError), files.locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise AssertionError  # pragma: no cover - it is never held
    with files.locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
        pass


def test_a_file_is_written_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be, the old one stays and nothing half-written does."""
    path = tmp_path / "file"
    files.write_whole(str(path), "one")

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(str(path), "two")
    assert list(tmp_path.iterdir()) == [path]
    assert files.read(str(path)) == "one"
    assert files.read(str(tmp_path / "nothing")) is None


def test_whatever_is_there_is_removed(tmp_path: Path) -> None:
    """A directory, a link but not what it leads to, or nothing."""
    (tmp_path / "directory" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "directory")
    files.remove(str(tmp_path / "link"))
    assert (tmp_path / "directory").exists()
    files.remove(str(tmp_path / "directory"))
    files.remove(str(tmp_path / "directory"))
    assert list(tmp_path.iterdir()) == []
