"""Example projects for the guide's blocks."""

from tests.pytest_plugin.conftest import empty_project

__all__ = ["empty_project"]
