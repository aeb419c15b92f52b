"""Tell a project's code from that of libraries, and its test code from its application code."""

from __future__ import annotations

import os
import sysconfig
from functools import cache
from pathlib import Path

_PACKAGES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
"""Where packages lie, in this environment or in another one that is on the path."""

TEST_FOLDERS = frozenset({"tests", "test"})


def is_test_code(file: Path, root: Path) -> bool:
    """Whether a file is a conftest, a test module, or lies in a tests folder below ``root``.

    Both paths must be absolute, with links resolved. The folders above ``root`` say nothing: a project may lie in
    somebody's ``/home/test``.
    """
    if file.name == "conftest.py" or file.stem.startswith("test_") or file.stem.endswith("_test"):
        return True
    return file.is_relative_to(root) and not TEST_FOLDERS.isdisjoint(file.relative_to(root).parts[:-1])


@cache
def is_library(file: str) -> bool:
    """Whether the file of a frame is Python's own, of an installed package, or hermetic's: nobody's project."""
    return file.startswith(("<", *_library_folders())) or any(folder in file for folder in _PACKAGES)


@cache
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(folder + os.sep for folder in (*folders, os.path.dirname(__file__)))
