"""Find the files of SQL that make tables: what an application without metadata and migrations is deployed with."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hermetic.code import TEST_FOLDERS
from hermetic.source.modules import ASIDE_DIRECTORIES
from hermetic.source.requirements import read_loosely
from hermetic.source.sources import Sources, is_pruned

CREATES = re.compile(r"^\s*CREATE\s+(?:UNLOGGED\s+)?TABLE\b", re.IGNORECASE | re.MULTILINE)
NOT_THE_APPLICATIONS = (ASIDE_DIRECTORIES | TEST_FOLDERS) - {"migrations"}


def find_sql(sources: Sources) -> list[Path]:
    """List the project's files of SQL that make tables, in the order of their names.

    Args:
        sources: The project.
    """
    found = []
    for parent, folders, names in os.walk(sources.root):
        here = Path(parent)
        folders[:] = [
            name for name in folders if name not in NOT_THE_APPLICATIONS and not is_pruned(here / name)
        ]
        files = (here / name for name in names if name.endswith(".sql"))
        found += [file for file in files if CREATES.search(read_loosely(file))]
    return sorted(found)
