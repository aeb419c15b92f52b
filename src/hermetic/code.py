"""Tell a project's test code from its application code."""

from __future__ import annotations

from pathlib import Path

TEST_FOLDERS = frozenset({"tests", "test", "testing"})


def is_test_code(file: Path, root: Path) -> bool:
    """Whether a file is a conftest, a test module, or lies in a tests folder below ``root``."""
    if file.name == "conftest.py" or file.stem.startswith("test_") or file.stem.endswith("_test"):
        return True
    folders = file.parent.relative_to(root).parts if file.is_relative_to(root) else file.parent.parts
    return not TEST_FOLDERS.isdisjoint(folders)
