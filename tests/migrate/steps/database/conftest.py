"""A project whose suite really runs."""

from __future__ import annotations

from tests.pytest_plugin.conftest import empty_project

__all__ = ["empty_project"]
