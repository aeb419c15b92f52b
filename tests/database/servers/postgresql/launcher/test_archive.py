"""Tests of data directories as files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hermetic.database.servers.postgresql.launcher.account import Account
from hermetic.database.servers.postgresql.launcher.archive import pack, unpack

US = Account(os.getuid(), os.getgid())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What looks like a data directory."""
    made = tmp_path / "data"
    (made / "base" / "1").mkdir(parents=True)
    (made / "base" / "1" / "pg").write_bytes(b"x" * 3_000_000)
    (made / "empty").write_text("")
    (made / "empty").chmod(0o644)
    (made / "link").symlink_to("/etc/passwd")
    (made / "postmaster.pid").write_text("1")
    (made / "zünd").write_text("after")
    return made


def test_all_is_there_again(data: Path, tmp_path: Path) -> None:
    """But the marks of a running server, and links; each for its owner only, whatever it was before."""
    pack(str(data), str(tmp_path / "packed"), "18.6")
    target = tmp_path / "target"
    assert unpack(str(tmp_path / "packed"), str(target), US) == "18.6"
    assert (target / "base" / "1" / "pg").read_bytes() == b"x" * 3_000_000
    assert (target / "zünd").read_text() == "after"
    assert sorted(path.name for path in target.iterdir()) == ["base", "empty", "zünd"]
    for path in (tmp_path / "packed", target / "empty"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((target / "base").stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["missing", "cut", "empty", "strange", "number"])
def test_what_is_not_whole_counts_as_nothing(data: Path, tmp_path: Path, damage: str) -> None:
    """A machine that crashed, or somebody else's file; nothing is made from it."""
    packed = tmp_path / "packed"
    pack(str(data), str(packed), "18.6")
    whole = packed.read_bytes()
    if damage == "missing":
        packed.unlink()
    else:
        packed.write_bytes({"cut": whole[:-1], "empty": b"", "strange": b"{}\n", "number": b"1\n"}[damage])
    assert unpack(str(packed), str(tmp_path / "target"), US) is None
    assert not (tmp_path / "target").exists()


def test_one_that_was_opened_stays_whole(data: Path, tmp_path: Path) -> None:
    """Another run that ends meanwhile replaces the name, not the file."""
    packed = tmp_path / "packed"
    pack(str(data), str(packed), "1")
    with packed.open("rb") as opened:
        pack(str(data), str(packed), "2")
        assert b'"version": "1"' in opened.readline()
    assert unpack(str(packed), str(tmp_path / "target"), US) == "2"


def test_a_directory_that_changes_is_not_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anything half-written left."""
    monkeypatch.setattr(os, "sendfile", lambda *_: 0)
    with pytest.raises(OSError, match="became shorter"):
        pack(str(data), str(tmp_path / "packed"), "18.6")
    assert list(tmp_path.iterdir()) == [data]
