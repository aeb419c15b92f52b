"""The suite that ``hermetic migrate`` is measured on."""

from __future__ import annotations

from pathlib import Path

from benchmarks.migrate import MIGRATE, held, write_suite


def test_a_project_has_as_many_files_as_asked_for(tmp_path: Path) -> None:
    """The command converts all tests of it while it is measured."""
    root = write_suite(tmp_path, 40)
    assert len(list(root.rglob("*.py"))) == 40
    took = MIGRATE.look(root)
    assert took.wall > 0 and took.memory > 10
    assert "| 40 |" in MIGRATE.report({40: [took]}).text
    found = held(root)
    assert found.trees <= 2 and found.project > found.graph > 0
