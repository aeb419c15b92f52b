"""Tests of data directories as files."""

from __future__ import annotations

import json
import os
import stat
import zlib
from pathlib import Path
from typing import Any

import pytest

from hermetic.database.backends.postgresql.server.launcher import archive
from hermetic.database.backends.postgresql.server.launcher.account import Account
from hermetic.database.backends.postgresql.server.launcher.archive import Damaged, NotOurs, pack, unpack

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


def test_none_is_there(tmp_path: Path) -> None:
    """Nor where a directory is, or what leads there can be followed by nobody."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("missing", "directory", "link"):
        assert unpack(str(tmp_path / name), str(tmp_path / "target"), US) is None
    assert not (tmp_path / "target").exists()


def is_thrown_away(packed: Path, content: bytes, reason: str) -> None:
    """An archive of this content is damaged for that reason, and nothing of it stays."""
    packed.write_bytes(content)
    packed.chmod(0o600)
    target = packed.with_name("target")
    with pytest.raises(Damaged, match=reason):
        unpack(str(packed), str(target), US)
    assert not packed.exists()
    assert not target.exists()


def test_what_is_not_whole_is_thrown_away(data: Path, tmp_path: Path) -> None:
    """A machine that crashed, or a disk that is full; nothing is made from it."""
    packed = tmp_path / "packed"
    pack(str(data), str(packed), "18.6")
    whole = packed.read_bytes()
    for length in (1, 9, 10, 1_000_000):
        is_thrown_away(packed, whole[:-length], "it is shorter or longer")
    is_thrown_away(packed, whole + b"\n", "it is shorter or longer")


@pytest.mark.parametrize(
    "begin", [b"", b"{}", b"1", b"\xff", b"[" * 100_000, b'{"version": 1, "entries": [["f", "x", Infinity]]}']
)
def test_what_is_none_is_thrown_away(tmp_path: Path, begin: bytes) -> None:
    """Whatever it is instead."""
    is_thrown_away(tmp_path / "packed", begin + b"\n", "it does not begin as it should")


def test_a_flipped_bit_is_found(data: Path, tmp_path: Path) -> None:
    """Wherever it is: in a name, a size, a file, the checksum itself."""
    (data / "base" / "1" / "pg").write_bytes(b"x" * 1000)
    packed = tmp_path / "packed"
    pack(str(data), str(packed), "18.6")
    whole = packed.read_bytes()
    header = whole.index(b"\n")
    for place in (*range(header + 1), header + 1, len(whole) // 2, *range(len(whole) - 12, len(whole))):
        for bit in (1, 32):
            flipped = bytearray(whole)
            flipped[place] ^= bit
            is_thrown_away(packed, bytes(flipped), "begin|entry|shorter|checksum")


def made_by_hand(entries: list[Any], content: bytes = b"") -> bytes:
    """Return an archive that is whole, of these entries."""
    begin = json.dumps({"version": "1", "entries": entries}).encode() + b"\n" + content
    return begin + b"%08x\n" % zlib.crc32(begin)


def test_one_made_by_hand(tmp_path: Path) -> None:
    """As the next tests make them."""
    (tmp_path / "packed").write_bytes(made_by_hand([["d", "...", 0], ["f", ".../a.b..", 1]], b"x"))
    (tmp_path / "packed").chmod(0o600)
    assert unpack(str(tmp_path / "packed"), str(tmp_path / "target"), US) == "1"
    assert (tmp_path / "target" / "..." / "a.b..").read_bytes() == b"x"


@pytest.mark.parametrize(
    "name", ["../outside", "a/../../outside", "/outside", "..", ".", "", "a//b", "a/", "x\0y", "a/./b"]
)
def test_no_entry_leads_out_of_the_directory(tmp_path: Path, name: str) -> None:
    """Nothing is made anywhere."""
    place = tmp_path / "below"
    place.mkdir()
    is_thrown_away(place / "packed", made_by_hand([["f", name, 1]], b"x"), "an entry leads out of its")
    assert list(tmp_path.iterdir()) == [place]
    is_thrown_away(place / "packed", made_by_hand([["l", "x", 0]]), "neither a file nor a directory")


def test_what_others_can_write_is_left_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read, nor thrown away: another user's, one that a group can write, a pipe."""
    packed, target = tmp_path / "packed", tmp_path / "target"
    pack(str(data), str(packed), "18.6")
    for mode in (0o620, 0o602, 0o666):
        packed.chmod(mode)
        with pytest.raises(NotOurs, match="only user"):
            unpack(str(packed), str(target), US)
    packed.chmod(0o644)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getuid", lambda: US.uid + 1)
        with pytest.raises(NotOurs, match=f"only user {US.uid + 1} can write"):
            unpack(str(packed), str(target), US)
    assert unpack(str(packed), str(target), US) == "18.6"
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(NotOurs):
        unpack(str(tmp_path / "pipe"), str(target), US)


def test_one_that_took_its_name_meanwhile_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run has made it anew, or thrown it away, before this one has seen that it is damaged."""
    packed = tmp_path / "packed"
    real = archive._checksum

    def meanwhile(given: int, end: int) -> bytes:
        if replaced:
            pack(str(data), str(packed), replaced.pop())
        else:
            packed.unlink()
        return real(given, end)[::-1]

    packed.write_bytes(made_by_hand([]))
    packed.chmod(0o600)
    replaced = ["2"]
    with monkeypatch.context() as patch:
        patch.setattr(
            archive, "_checksum", lambda *given: real(*given) if not replaced else meanwhile(*given)
        )
        with pytest.raises(Damaged):
            unpack(str(packed), str(tmp_path / "target"), US)
    assert unpack(str(packed), str(tmp_path / "target"), US) == "2"
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_checksum", meanwhile)
        with pytest.raises(Damaged):
            unpack(str(packed), str(tmp_path / "another"), US)


def test_a_disk_that_is_full(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told as such, and costs no archive."""
    packed = tmp_path / "packed"
    pack(str(data), str(packed), "18.6")
    monkeypatch.setattr(os, "sendfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(OSError, match="No space"):
        unpack(str(packed), str(tmp_path / "target"), US)
    assert packed.exists()


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
