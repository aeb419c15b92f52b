"""Decide whether, and where, a first ``conftest.py`` is made.

hermetic needs none: its fixtures come with the plugin. A project without any gets one because that is where a
reader looks for fixtures, and so that the tests' directory exists.
"""

from __future__ import annotations

from pathlib import Path

from hermetic.cli.init.configuration import Configuration
from hermetic.cli.init.files import Edit
from hermetic.cli.init.sources import TEST_DIRECTORIES, Sources

TEXT = '''"""Fixtures of the tests.

async_client, async_db_session and async_test_db come with hermetic: `pytest --fixtures` describes them.
"""
'''


def first_conftest(sources: Sources, configuration: Configuration) -> Edit | None:
    """Return the conftest to make; None when there is one anywhere, or the project was set up without one."""
    if "hermetic_app" in configuration.values:
        return None
    if any(
        path.name == "conftest.py" for path in (*sources.modules, *(skip.path for skip in sources.skipped))
    ):
        return None
    path = _tests_directory(sources, configuration) / "conftest.py"
    return None if path.exists() else Edit(path, None, TEXT)


def _tests_directory(sources: Sources, configuration: Configuration) -> Path:
    for name in configuration.strings("testpaths"):
        directory = configuration.path.parent / name
        if directory.is_dir() and directory.resolve().is_relative_to(sources.root):
            return directory
    existing = {
        parent
        for module in sources.tests
        for parent in module.path.parents
        if parent.name in TEST_DIRECTORIES and parent.is_relative_to(sources.root) and parent != sources.root
    }
    return min(
        existing, key=lambda path: (len(path.parts), path), default=_home(sources, configuration) / "tests"
    )


def _home(sources: Sources, configuration: Configuration) -> Path:
    directory = configuration.path.parent
    return directory if directory.is_relative_to(sources.root) else sources.root
