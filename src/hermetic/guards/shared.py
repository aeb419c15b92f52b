"""The mappings that all tests share: the environment, and the overrides of applications."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from hermetic.guards.applications import overriding_applications
from hermetic.guards.mapping import MappingGuard

RUNNERS_OWN = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_XDIST_WORKER"})


class OverridesGuard(MappingGuard[Any, Any]):
    """Keeps the baseline of an application's overrides: ``app.dependency_overrides = {}`` puts another mapping there.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        super().__init__(app.dependency_overrides)

    @property
    def mapping(self) -> MutableMapping[Any, Any]:
        """The overrides that the application has now."""
        overrides: MutableMapping[Any, Any] = self._app.dependency_overrides
        return overrides


class SharedMappings:
    """Watches them from the first test on: what modules set before is for all tests.

    Args:
        found: Called with the guard of each that is found later, an application that a test imports.
    """

    def __init__(self, found: Callable[[MappingGuard[Any, Any]], None]) -> None:
        self._found = found
        self.are_watched = False
        self.guards: list[MappingGuard[Any, Any]] = []

    def watch(self) -> None:
        """Start: what is there now is the first baseline."""
        self.are_watched = True
        self.guards.append(MappingGuard(os.environ, ignore=RUNNERS_OWN))
        self.note(overriding_applications())

    def note(self, applications: Iterable[Any]) -> None:
        """Watch the overrides of these applications too, those of them that have any."""
        if not self.are_watched:
            return
        for app in applications:
            overrides = getattr(app, "dependency_overrides", None)
            if overrides is not None and all(guard.mapping is not overrides for guard in self.guards):
                guard = OverridesGuard(app)
                self.guards.append(guard)
                self._found(guard)
