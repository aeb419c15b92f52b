"""What the administrator needs of drivers; imported late, since most runs load the plugin and no database."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from hermetic.errors import MissingDependency


def psycopg() -> Any:
    """Import psycopg.

    Raises:
        ConfigurationError: It is not installed, or finds no libpq.
    """
    try:
        import psycopg as module
        import psycopg.sql
    except ImportError as error:
        raise MissingDependency(
            "psycopg cannot be imported; hermetic needs it to prepare and restore PostgreSQL databases.",
            why=str(error),
            hints=("pip install 'hermetic[postgresql]'",),
        ) from error
    assert isinstance(module, ModuleType)
    return module


def version_number(version: str) -> int:
    """Return "18.6" as ``server_version_num`` has it, 180006; a beta is its release."""
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    if re.match(r"\d+\.\d+", version):
        return numbers[0] * 10000 + numbers[1]
    return numbers[0] * 10000
