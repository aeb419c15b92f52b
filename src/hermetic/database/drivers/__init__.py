"""Connections that the project opens by a driver itself, past SQLAlchemy: brought to the same databases, and known.

Each driver that a backend knows has one place through which every connection goes, be it a pool's, an ORM's or a line
of the project's own. There the rules of engines decide before a packet is sent. What was opened is remembered in
``in_use.py``: whose it is, where, on which database.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL

from hermetic.database.backend import every_backend
from hermetic.database.drivers.earlier import EarlierFiles
from hermetic.database.drivers.rules import DriverRules
from hermetic.database.drivers.seams import Seams
from hermetic.database.engines.destinations import Prepare, Resolver


class Drivers:
    """The drivers of a run's process, watched from ``install`` to ``uninstall``.

    Args:
        resolver: Says where a connection goes, as for an engine.
        prepare: Called before it, without a lock; may import the project's code.
        is_named: Whether an engine or a setting names a file, given a folder for relative paths.
        root: The project's folder.

    Attributes:
        earlier: The files that were opened before an engine named them.
    """

    def __init__(
        self,
        resolver: Resolver,
        prepare: Prepare,
        is_named: Callable[[URL, str], bool],
        root: Path,
    ) -> None:
        self.earlier = EarlierFiles(Path(os.path.realpath(root)))
        self._rules = DriverRules(resolver, prepare, is_named, root, self.earlier)
        puts = {name: put for backend in every_backend() for name, put in backend.seams().items()}
        self._seams = Seams(self._rules, puts)
        self.open = self._rules.open

    def install(self) -> None:
        """Watch them; those that are not imported yet when they are."""
        self._seams.install()

    def conclude(self) -> list[str]:
        """End what would outlive the last test; return what there is to say of it."""
        return [*(line for end in self._rules.endings for line in end()), *self.earlier.left()]

    def uninstall(self) -> None:
        """Leave them as they were found."""
        self._seams.uninstall()


def imported() -> list[str]:
    """Return the drivers that this process has imported; one that comes with Python says nothing by that."""
    names = {name.partition(".")[0] for backend in every_backend() for name in backend.seams()}
    return sorted(name for name in names - sys.stdlib_module_names if name in sys.modules)
