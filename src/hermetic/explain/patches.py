"""Which names of modules tests patch, as they do: by ``unittest.mock`` (so by pytest-mock), or by ``monkeypatch``.

Both undo it before anybody asks why the test failed, and neither keeps where it was done. Nothing is noted but at a
patch: a run without any pays a look-up of a module at each test.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from hermetic.code import Location, place_in_the_project
from hermetic.patch import Patch

MOST = 200
"""How many patches of a test are kept."""

_TARGETS = (ModuleType, str)
"""What ``monkeypatch`` is given for a name of a module."""


class Patched(NamedTuple):
    """A name of a module that was replaced.

    Attributes:
        target: The module.
        name: Its name there.
        original: What it was.
        replacement: What it became.
        location: The project's line that did it; None for a decorator, which runs before any line of the test.
    """

    target: ModuleType
    name: str
    original: Any
    replacement: Any
    location: Location | None


class Patches:
    """Notes patches from ``start`` to ``stop``.

    Attributes:
        made: Those of the test at hand, in order, be they undone or not.
    """

    def __init__(self) -> None:
        self.made: list[Patched] = []
        self._patches: dict[type, Patch] = {}
        self._is_on = False

    def start(self) -> None:
        """Note what is patched from now on."""
        self._is_on = True
        self._watch()

    def stop(self) -> None:
        """Note nothing any more."""
        self._is_on = False
        while self._patches:
            self._patches.popitem()[1].undo()
        self.made.clear()

    def begin(self) -> None:
        """Forget the test before."""
        if self.made:
            self.made.clear()
        if self._is_on and len(self._patches) < 2 and "unittest.mock" in sys.modules:  # by now
            self._watch()

    def _watch(self) -> None:
        mock, monkeypatch = sys.modules.get("unittest.mock"), sys.modules.get("_pytest.monkeypatch")
        for module, name, method, wrap in (
            (mock, "_patch", "__enter__", self._entering),
            (monkeypatch, "MonkeyPatch", "setattr", self._setting),
        ):
            kind: Any = getattr(module, name, None)
            if hasattr(kind, method) and kind not in self._patches:
                self._patches[kind] = Patch(kind, method, wrap)

    def _entering(self, ours: Patch) -> Callable[..., Any]:
        def __enter__(patch: Any) -> Any:
            __tracebackhide__ = True
            value = ours.original(patch)
            if ours.is_on:
                self._note(patch.target, patch.attribute, patch.temp_original)
            return value

        return __enter__

    def _setting(self, ours: Patch) -> Callable[..., Any]:
        def setattr(patch: Any, *arguments: Any, **named: Any) -> None:
            __tracebackhide__ = True
            if arguments and not isinstance(arguments[0], _TARGETS):  # as runners of tests do, in each
                ours.original(patch, *arguments, **named)
                return
            done = len(patch._setattr)
            ours.original(patch, *arguments, **named)
            for target, name, value in patch._setattr[done:] if ours.is_on else ():
                self._note(target, name, value)

        return setattr

    def _note(self, target: Any, name: str, original: Any) -> None:
        # Only names of modules are asked for; runners of tests replace attributes of objects in each test.
        if isinstance(target, ModuleType) and len(self.made) < MOST:
            at = place_in_the_project(sys._getframe(2))
            if at is not None and not at.file.endswith(".py"):  # the script that started pytest
                at = None
            self.made.append(Patched(target, name, original, getattr(target, name, None), at))
