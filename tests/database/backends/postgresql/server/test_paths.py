"""Tests of where things lie: the cache, and the sockets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hermetic.database.backends.postgresql.server import paths
from hermetic.database.backends.postgresql.server.paths import address
from hermetic.database.servers.cache import cache_directory
from tests.database.backends.postgresql.server.conftest import Make
from tests.database.backends.postgresql.server.processes import gone


def test_the_socket_lies_in_the_home(place: Path) -> None:
    """As long as its path is short enough."""
    assert address(place / "home", "0badcafe").socket == f"{place}/home/socket"


def test_a_home_with_a_long_path_serves(place: Path, make: Make) -> None:
    """The socket lies in a short directory then, which goes with the home."""
    deep = place / ("d" * 60) / ("e" * 60)
    instance = make(directory=deep)
    socket = Path(instance.handover()["socket"])
    assert socket.parent == Path("/tmp")
    instance.connect().close()
    assert socket.is_dir()
    instance.stop()
    assert gone(instance.home)
    assert not socket.exists()


def test_the_loopback_serves_where_no_socket_can_be(
    place: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port is known before the server is started."""
    monkeypatch.setattr(paths, "SHORT", "/tmp/no/such/directory")
    instance = make(directory=place / ("d" * 100))
    url = instance.url("postgres", "hermetic_admin")
    assert url.host == "127.0.0.1"
    with instance.connect() as connection:
        assert connection.info.port == url.port
    instance.stop()
    assert gone(instance.home)


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


def test_without_a_cache_it_is_only_slower(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run has its own initdb then."""
    monkeypatch.setenv("HERMETIC_CACHE", "/dev/null/hermetic")
    make().connect().close()
