"""Caches of the suite's own: what ``initdb`` makes is in each of them, and is made once for all workers.

It takes 0.8 s of the processor, and for the same binaries it is the same. What says how it is made, and what becomes of
a cache that is damaged, has caches without it. Beside it lies what forked runs remember of libraries' files
(``tests/pytest_plugin/remembered.py``).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest


def cache_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the cache of one process that runs the suite."""
    base = tmp_path_factory.getbasetemp()
    place = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    cache = tmp_path_factory.mktemp("cache")
    for name in ("initdb", "statements"):
        (place / name).mkdir(mode=0o700, exist_ok=True)
        (cache / name).symlink_to(place / name)
    return cache


def with_initdb(cache: Path) -> Path:
    """Make a cache that has what initdb made and nothing else; return it."""
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (cache / "initdb").symlink_to(Path(os.environ["HERMETIC_CACHE"], "initdb").resolve())
    return cache
