"""Tell a project's test code from its application code."""

from __future__ import annotations

from pathlib import Path

TEST_FOLDERS = frozenset({"tests", "test"})


def is_test_code(file: Path, root: Path) -> bool:
    """Whether a file is a conftest, a test module, or lies in a tests folder below ``root``.

    Both paths must be absolute, with links resolved. The folders above ``root`` say nothing: a project may lie in
    somebody's ``/home/test``.
    """
    if file.name == "conftest.py" or file.stem.startswith("test_") or file.stem.endswith("_test"):
        return True
    return file.is_relative_to(root) and not TEST_FOLDERS.isdisjoint(file.relative_to(root).parts[:-1])
