"""The benchmark of the plugin's start: how it reads what Python writes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.startup import Import, imports, parse_imports, write_project

WRITTEN = """import time: self [us] | cumulative | imported package
import time:       120 |        120 |   hermetic.errors
import time:      1045 |       1165 | hermetic.pytest_plugin
"""


def test_import_times_are_read() -> None:
    """Each line has a module's own time, its total, and its name."""
    assert parse_imports(WRITTEN) == [
        Import("hermetic.errors", 120, 120),
        Import("hermetic.pytest_plugin", 1045, 1165),
    ]


def test_the_plugin_is_imported_last_and_pytest_is_not_counted(tmp_path: Path) -> None:
    """What is measured begins after pytest's own import."""
    names = [each.name for each in imports(write_project(tmp_path))]
    assert names[-1] == "hermetic.pytest_plugin"
    assert "pytest" not in names
