"""The project that the tests of what it is read by have, too."""

from __future__ import annotations

from tests.source.conftest import project

__all__ = ["project"]
