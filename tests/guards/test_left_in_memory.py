"""The guard of databases in memory: when it listens. What it finds is in ``tests/pytest_plugin``."""

from __future__ import annotations

from hermetic.events import listeners
from hermetic.guards.left_in_memory import LeftInMemory
from hermetic.owners import Owner


def test_it_listens_during_its_tests_alone() -> None:
    """So that a test for which it is off has no statement of it noted."""
    watch, before = LeftInMemory(lambda connection: None), dict(listeners)
    test = Owner("test_a.py::test_it", "test", "function")
    for _ in range(2):
        watch.begin(test)
        assert listeners != before
        assert list(watch.end(test)) == []
        assert listeners == before
    watch.begin(test)
    watch.stop()
    assert listeners == before
