"""Connections that the project opens by a driver itself, past SQLAlchemy: brought to the same databases, and known.

Each driver that a backend knows has one place through which every connection goes, be it a pool's, an ORM's or a line
of the project's own. There the rules of engines decide before a packet is sent. What was opened is remembered in
``in_use.py``: whose it is, where, on which database.

A driver that a run never imports costs nothing: a finder in front of ``sys.meta_path`` compares each module's name, and
has the seam put in place when its module was executed, before whoever imports it has it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL

from hermetic.database.backend import every_backend
from hermetic.database.driver_seams import Put, Rules
from hermetic.database.drivers.earlier import EarlierFiles
from hermetic.database.drivers.rules import DriverRules
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


class Seams(MetaPathFinder):
    """The seams of one run.

    Args:
        rules: Say where connections go.
        puts: How each driver's seam is put in place, by the driver's module.
    """

    def __init__(self, rules: Rules, puts: Mapping[str, Put]) -> None:
        self._rules = rules
        self._puts = puts
        self._undo: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Watch the drivers that are there, and those that come."""
        sys.meta_path.insert(0, self)
        for name in self._puts:
            module = sys.modules.get(name)
            if module is not None:
                self._put(module)

    def uninstall(self) -> None:
        """Leave every driver as it was found."""
        sys.meta_path.remove(self)
        while self._undo:
            setattr(*self._undo.pop())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a driver's module as the other finders find it, to be told when it was executed."""
        if fullname not in self._puts:
            return None
        found = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            self._hear_of(spec.loader)
        return spec

    def _hear_of(self, loader: Any) -> None:
        """Have a module's loader, which is made for this module alone, say when it is done."""
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            execute(module)
            self._put(module)

        loader.exec_module = exec_module

    def _put(self, module: ModuleType) -> None:
        self._puts[module.__name__](module, self._rules, self._patch)

    def _patch(self, holder: Any, name: str, value: Any) -> None:
        self._undo.append((holder, name, vars(holder)[name]))
        setattr(holder, name, value)


def imported() -> list[str]:
    """Return the drivers that this process has imported; one that comes with Python says nothing by that."""
    names = {name.partition(".")[0] for backend in every_backend() for name in backend.seams()}
    return sorted(name for name in names - sys.stdlib_module_names if name in sys.modules)
