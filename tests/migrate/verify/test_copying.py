"""Copies of a repository."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

import pytest

from hermetic.migrate.verify.copying import copy_tree, put, remove_tree, stamps


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with what git does not know, environments, caches, and all kinds of links."""
    root = tmp_path / "my project's"
    for name in (
        ".env",
        "tests/test_a.py",
        "tests/data/b.bin",
        ".git/HEAD",
        ".venv/pyvenv.cfg",
        "own env/pyvenv.cfg",
        "cache/CACHEDIR.TAG",
        "module/.git",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    for name in ("tests/__pycache__/a.pyc", "node_modules/a.js", "build/kept"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (tmp_path / "outside").write_text("outside")
    (root / "inner").symlink_to("tests/test_a.py")
    (root / "absolute").symlink_to(root / "tests")
    (root / "outer").symlink_to("../outside")
    (root / "nowhere").symlink_to("missing")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(root):
        listening.bind("socket")
    (root / "tests/test_a.py").chmod(0o444)
    return root


def test_what_is_copied(source: Path, tmp_path: Path) -> None:
    """Files that tests may need, known to git or not; links lead where they led, or into the copy."""
    copy = tmp_path / "elsewhere" / "copy"
    assert copy_tree(source, copy) == []
    found = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if not path.is_dir())
    assert found == [
        ".env",
        "build/kept",
        "inner",
        "loop",
        "nowhere",
        "outer",
        "tests/data/b.bin",
        "tests/test_a.py",
    ]
    assert (copy / "absolute").resolve() == (copy / "tests").resolve()
    assert (copy / "inner").resolve() == (copy / "tests/test_a.py").resolve()
    assert (copy / "outer").read_text() == "outside"


def test_what_has_changed(source: Path) -> None:
    """A file that is copied and was written, made or removed since; none of an environment, nor where a link leads."""
    before = stamps(source)
    (source / "build/kept").write_text("more")
    (source / "tests/data/b.bin").unlink()
    (source / "made").touch()
    (source / ".venv/made").touch()
    (source.parent / "outside").write_text("other")
    now = stamps(source)
    changed = {file.name for file in {*before, *now} if before.get(file) != now.get(file)}
    assert changed == {"kept", "b.bin", "made"}


def test_what_cannot_be_read(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, and the rest is copied."""
    closed = {source / "tests/data", source / ".env"}
    exists = Path.exists

    def refuse(path: Path) -> bool:
        if not closed.isdisjoint(path.parents):
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(os, "access", lambda path, mode: path not in closed)
    monkeypatch.setattr(Path, "exists", refuse)
    notes = copy_tree(source, tmp_path / "copy")
    assert sorted(notes) == [f"{path} was not copied: it cannot be read" for path in sorted(closed)]
    assert (tmp_path / "copy/tests/test_a.py").exists()


def test_what_is_put_into_it(source: Path, tmp_path: Path) -> None:
    """A file is replaced though it is read-only, and a link by a file; nothing is written elsewhere."""
    copy = tmp_path / "copy"
    copy_tree(source, copy)
    put(
        {source / "tests/test_a.py": b"new", source / "outer": b"new", source / "added": b"new"}, source, copy
    )
    assert [(copy / name).read_bytes() for name in ("tests/test_a.py", "outer", "added")] == [b"new"] * 3
    assert stat.S_IMODE((copy / "tests/test_a.py").stat().st_mode) == 0o444
    assert (tmp_path / "outside").read_text() == "outside"
    assert (source / "tests/test_a.py").read_text() == "tests/test_a.py"


def test_it_is_removed(source: Path, tmp_path: Path) -> None:
    """Even where a test has made a folder read-only; what a link leads to stays."""
    copy = tmp_path / "copy"
    copy_tree(source, copy)
    (copy / "tests/data").chmod(0o500)
    remove_tree(copy)
    assert not copy.exists()
    assert (tmp_path / "outside").exists()
