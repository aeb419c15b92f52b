"""The project that the rules are tried on."""

from __future__ import annotations

from tests.source.conftest import project

__all__ = ["project"]
