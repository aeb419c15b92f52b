"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hermetic.cli.files import Edit, unified_diff, write
from hermetic.errors import ConfigurationError


def test_texts_are_written_byte_for_byte(tmp_path: Path) -> None:
    """Line endings and marks are the text's own; directories are made."""
    path = tmp_path / "a" / "b.ini"
    write([Edit(path, None, "\ufeff[pytest]\r\n")])
    assert path.read_bytes() == b"\xef\xbb\xbf[pytest]\r\n"
    assert os.listdir(path.parent) == ["b.ini"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """Not those of a temporary file, which only its owner may read."""
    mask = os.umask(0o022)
    try:
        write([Edit(tmp_path / "new", None, "x")])
    finally:
        os.umask(mask)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o644


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    """The file behind a link is written; the link stays one."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    write([Edit(tmp_path / "link", "old", "new")])
    assert (tmp_path / "link").is_symlink()
    assert ((tmp_path / "real").read_text(), (tmp_path / "real").stat().st_mode & 0o777) == ("new", 0o640)


def test_a_read_only_file_stops_everything(tmp_path: Path) -> None:
    """No other file is written either."""
    path = tmp_path / "pytest.ini"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(ConfigurationError, match=r"is read-only. Nothing was written."):
        write([Edit(tmp_path / "conftest.py", None, "x"), Edit(path, "old", "new")])
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["pytest.ini"])


def test_a_file_that_cannot_be_prepared_stops_everything(tmp_path: Path) -> None:
    """A path below a plain file: what was prepared before it is taken away again."""
    (tmp_path / "plain").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write([Edit(tmp_path / "a", None, "x"), Edit(tmp_path / "plain" / "b", None, "x")])
    assert os.listdir(tmp_path) == ["plain"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_an_interrupt_leaves_all_files_as_they_were(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While texts are written beside their files; the message names the file that had no room."""
    edits = [Edit(tmp_path / name, "old", "new") for name in ("a", "b")]
    for edit in edits:
        edit.path.write_text("old")
    real, synced = os.fsync, list[int]()

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises((ConfigurationError, KeyboardInterrupt)) as raised:
        write(edits)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old", "b": "old"}
    if isinstance(error, OSError):
        assert "b cannot be written. Nothing was written. [HM113]\n[Errno 28] No space" in str(raised.value)


@pytest.mark.parametrize("is_moved", [True, False])
def test_an_interrupt_waits_until_all_files_are_moved(
    is_moved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it comes before or after one is."""
    edits = [Edit(tmp_path / name, None, "new") for name in ("a", "b", "c")]
    real, moved = os.replace, list[Path]()

    def replace(source: Path, target: Path) -> None:
        moved.append(target)
        if len(moved) == 2 and not is_moved:
            raise KeyboardInterrupt
        real(source, target)
        if len(moved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write(edits)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("abc", "new")


def test_what_the_system_refuses_after_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how many files were written before."""
    (tmp_path / "b").mkdir()
    real = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name != "b" and real(path))
    with pytest.raises(ConfigurationError, match="b cannot be written: 1 of 2 files were written before"):
        write([Edit(tmp_path / "a", None, "new"), Edit(tmp_path / "b", None, "new")])
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_file_that_has_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """Nor is any other."""
    (tmp_path / "a").write_bytes("é".encode("latin-1"))
    write([Edit(tmp_path / "a", "é", "è", "latin-1")])
    assert (tmp_path / "a").read_bytes() == "è".encode("latin-1")
    with pytest.raises(ConfigurationError, match=r"a has changed since it was read. Nothing was written."):
        write([Edit(tmp_path / "b", None, "x"), Edit(tmp_path / "a", "é", "ê", "latin-1")])
    assert os.listdir(tmp_path) == ["a"]


def test_a_text_that_is_no_unicode_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whatever goes wrong while a file is prepared, its temporary file goes."""
    with pytest.raises(UnicodeEncodeError):
        write([Edit(tmp_path / "a", None, "\udcff")])
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
@pytest.mark.parametrize("before", ["a\nb\n", "a\nb", "a\r\nb\r\n", "a\x0cb\nc\n", None])
@pytest.mark.parametrize("after", ["a\nb\nnew\n", "a\r\nb\r\nnew", "a\x0cb\nc\nnew\n"])
def test_the_diff_is_one_that_patch_applies(before: str | None, after: str, tmp_path: Path) -> None:
    """Line endings, form feeds and a missing final newline come out as they would by writing."""
    path = tmp_path / "file.ini"
    if before is not None:
        path.write_bytes(before.encode())
    diff = "".join(unified_diff(Edit(path, before, after), "file.ini"))
    subprocess.run(
        ["patch", "--binary", "-p1"], cwd=tmp_path, input=diff.encode(), check=True, capture_output=True
    )
    assert path.read_bytes() == after.encode()


def test_no_change_is_no_diff(tmp_path: Path) -> None:
    """Equal texts give nothing."""
    assert list(unified_diff(Edit(tmp_path / "x", "same\n", "same\n"), "x")) == []
