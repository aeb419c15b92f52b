"""Tests of where a data directory comes from, in this process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import installed
from hermetic.database.backends.postgresql.server.launcher import archive, cluster
from hermetic.database.backends.postgresql.server.launcher.account import account
from hermetic.database.backends.postgresql.server.launcher.cluster import StartError, fill


@pytest.fixture
def programs() -> str:
    """The directory of the binaries."""
    return str(installed.any_().path)


def test_initdb_runs_once(
    place: Path, tmp_path: Path, programs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then its result is copied, also for a run that waited meanwhile; libraries of an own build are found."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    cache, who = str(tmp_path / "cache"), account()
    version = fill(f"{place}/one", programs, cache, str(place), who)
    monkeypatch.setattr(cluster, "initdb", None)
    assert fill(f"{place}/two", programs, cache, str(place), who) == version
    made = f"{cache}/initdb/{cluster.key(programs)}.cluster"
    assert cluster._first_time(f"{place}/three", programs, made, who) == version
    control = [(place / name / "global" / "pg_control").read_bytes() for name in ("one", "two", "three")]
    assert len(set(control)) == 1
    assert (place / "two").stat().st_uid == who.uid


@pytest.mark.parametrize("damage", ["a flipped bit", "others can write it"])
def test_a_cache_that_cannot_be_trusted_is_made_anew(
    place: Path,
    tmp_path: Path,
    programs: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    """The log says so, the run starts all the same, and the next one finds a good one."""
    cache, who = str(tmp_path / "cache"), account()
    version = fill(f"{place}/one", programs, cache, str(place), who)
    made = Path(f"{cache}/initdb/{cluster.key(programs)}.cluster")
    if damage == "a flipped bit":
        with made.open("r+b") as file:
            file.seek(-1_000_000, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
    else:
        made.chmod(0o666)
    assert fill(f"{place}/two", programs, cache, str(place), who) == version
    said = capfd.readouterr().err
    assert ("was thrown away, and is made anew" in said) == (damage == "a flipped bit")
    assert ("is not used: it is not a file that only user" in said) == (damage != "a flipped bit")
    monkeypatch.setattr(cluster, "initdb", None)
    assert fill(f"{place}/three", programs, cache, str(place), who) == version


def test_without_a_cache_initdb_runs(place: Path, programs: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The log says why the start took long."""
    fill(f"{place}/data", programs, "/dev/null/cache", str(place), account())
    assert "the cache cannot be used: [Errno 20]" in capfd.readouterr().err


def test_a_full_cache_is_left_as_it_was(
    place: Path,
    tmp_path: Path,
    programs: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Half-made is as good as nothing."""
    monkeypatch.setattr(archive, "pack", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    fill(f"{place}/data", programs, str(tmp_path), str(place), account())
    assert "could not be kept" in capfd.readouterr().err
    assert [path.suffix for path in (tmp_path / "initdb").iterdir()] == [".lock"]


def test_a_program_that_fails_is_told(place: Path, tmp_path: Path) -> None:
    """With its command line."""
    program = place / "postgres"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    with pytest.raises(StartError, match=f"{program} --version says: hello"):
        fill(f"{place}/data", str(place), str(tmp_path), str(place), account())
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(StartError, match="says: 1"):
        fill(f"{place}/data", str(place), str(tmp_path), str(place), account())
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.1'\n")
    (place / "initdb").write_text("#!/bin/sh\necho no luck; exit 1\n")
    (place / "initdb").chmod(0o755)
    with pytest.raises(StartError, match=r"initdb --pgdata [^\n]*\nno luck"):
        fill(f"{place}/data", str(place), str(tmp_path), str(place), account())


def test_what_is_long_unused_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used meanwhile stays; what another run removes at the same time is no error."""
    for name in ("old", "new"):
        (tmp_path / name).write_text("")
    os.utime(tmp_path / "old", (0, 0))
    cluster.prune(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    monkeypatch.setattr(os, "listdir", lambda _: ["gone"])
    cluster.prune(str(tmp_path))


def test_another_build_has_another_key(tmp_path: Path) -> None:
    """Told without starting it: by place, time and size."""
    (tmp_path / "postgres").write_text("")
    before = cluster.key(str(tmp_path))
    assert cluster.key(str(tmp_path)) == before
    os.utime(tmp_path / "postgres", (1, 1))
    assert cluster.key(str(tmp_path)) != before
