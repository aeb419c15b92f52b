"""The suite that ``hermetic doctor`` is measured on."""

from __future__ import annotations

from pathlib import Path

from benchmarks.doctor import DOCTOR, write_suite


def test_a_suite_has_as_many_test_files_as_asked_for(tmp_path: Path) -> None:
    """With one fault, which the command finds while it is measured."""
    root = write_suite(tmp_path, 60)
    assert len(list((root / "tests").rglob("test_*.py"))) == 60
    took = DOCTOR.look(root)
    assert took.wall > 0
    assert "| 60 |" in DOCTOR.report({60: [took]}).text
