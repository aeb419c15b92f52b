"""Find the files of SQL that make tables: what an application without metadata and migrations is deployed with."""

from __future__ import annotations

import re
from pathlib import Path

from hermetic.code import TEST_FOLDERS
from hermetic.source.modules import ASIDE_DIRECTORIES
from hermetic.source.sources import Sources, walk

CREATES = re.compile(rb"^\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\b", re.IGNORECASE | re.MULTILINE)
LARGEST = 4_000_000
"""Bytes of a file that are looked at: a dump makes its first table before it writes rows, and may have gigabytes."""

NOT_THE_APPLICATIONS = (ASIDE_DIRECTORIES | TEST_FOLDERS) - {"migrations"}


def find_sql(sources: Sources) -> list[Path]:
    """List the project's files of SQL that make tables, in the order of their names.

    Args:
        sources: The project.
    """
    found = []
    for here, folders, names in walk(sources.root):
        folders[:] = [name for name in folders if name not in NOT_THE_APPLICATIONS]
        files = (here / name for name in names if name.endswith(".sql"))
        found += [file for file in files if _makes_tables(file)]
    return sorted(found)


def _makes_tables(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            start = opened.read(LARGEST)
    except OSError:
        return False
    return CREATES.search(start) is not None
