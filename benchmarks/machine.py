"""What a reader must know of the machine to make something of a figure; nothing that names the machine."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "hermetic",
    "fastapi",
    "starlette",
    "httpx2",
    "sqlalchemy",
    "aiosqlite",
    "pytest",
    "pytest-asyncio",
)


def describe() -> dict[str, str | int]:
    """Describe the machine and the versions that were measured."""
    described: dict[str, str | int] = {
        "cpus": _usable_cpus(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
    }
    return described | {package: _version(package) for package in PACKAGES}


def one_minute_load() -> float | None:
    """Return how many processes wanted to run in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _usable_cpus() -> int:
    """Return how many processors this process may use, which ``taskset`` and containers limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
