"""The places where drivers are watched: put in place where a driver is imported, and taken away when the run ends.

A driver that a run never imports costs nothing: a finder in front of ``sys.meta_path`` compares each module's name, and
has the seam put in place when its module was executed, before whoever imports it has it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from hermetic.database.driver_seams import Put, Rules


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
