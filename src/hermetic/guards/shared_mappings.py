"""The mappings that all tests share: the environment, and the overrides and ``app.state`` of applications.

An application that all tests import is one object, and its ``app.state`` with it: a flag that a test sets there and
leaves is there for the next test, and a reference that a test's own lifespan put there is to what has ended. So it is
put back, silently, as rows, overrides and variables are: whoever has those put back expects no test to see what another
one has set, and a failure would ask for a fixture that does by hand what is done here. A value that was changed in its
place stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from hermetic import owners
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import OverrideLeft
from hermetic.guards.applications import overriding_applications
from hermetic.guards.dependencies import Override
from hermetic.guards.mapping import MappingGuard, MappingLayer, Missing
from hermetic.settings import Mode
from hermetic.steps import every_step

RUNNERS_OWN = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_XDIST_WORKER"})


class EnvironmentGuard(MappingGuard[str, str]):
    """Keeps the baseline of the environment.

    ``os.environ`` decodes each name and value whenever it is asked: 50 variables take longer than all else that is
    looked at when a test ends. What it decodes is compared instead, and decoded where it differs.
    """

    def __init__(self) -> None:
        self._raw: dict[Any, Any] = {}
        self._decoded: dict[str, str] = {}
        super().__init__(os.environ, ignore=RUNNERS_OWN)

    def _content(self) -> dict[str, str]:
        encoded: dict[Any, Any] | None = getattr(self._mapping, "_data", None)
        if encoded is None:
            return super()._content()
        raw = encoded.copy()  # at once: a thread may set another variable
        for name in self._ignore:
            raw.pop(os.environ.encodekey(name), None)
        if raw != self._raw:
            self._raw, self._decoded = raw, super()._content()
        return self._decoded.copy()


class OverridesGuard(MappingGuard[Any, Any]):
    """Keeps the baseline of an application's overrides: ``app.dependency_overrides = {}`` puts another mapping there.

    Attributes:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        super().__init__(app.dependency_overrides)

    @property
    def mapping(self) -> MutableMapping[Any, Any]:
        """The overrides that the application has now."""
        overrides: MutableMapping[Any, Any] = self.app.dependency_overrides
        return overrides

    @property
    def is_empty(self) -> bool:
        """Whether there were no overrides, and are none: asked at each request, and most tests override nothing."""
        return not (self._baseline or self.app.dependency_overrides)

    def tell(self) -> None:
        """Tell which dependencies the test that ends has left overridden."""
        for dependency in self.changed():
            name = getattr(dependency, "__qualname__", None) or repr(dependency)
            emit(OverrideLeft(owners.current(), name))


class ObservedOverrides(OverridesGuard):
    """Tells what a test leaves in an application's overrides, and undoes nothing: the next test starts with it."""

    def _put_back(self, key: Any, value: Any) -> None:
        pass

    def restore(self) -> None:
        """Take what is there now for the baseline."""
        self._baseline = self._content()

    def remove_layer(self, layer: MappingLayer[Any, Any]) -> None:
        """Forget what a fixture set; what it left is nobody's."""
        super().remove_layer(layer)
        self.restore()


class StateGuard(MappingGuard[str, Any]):
    """Keeps the baseline of ``app.state``.

    Args:
        app: The application.
        is_kept_up: Whether a lifespan of it that a test started goes on when the test is over: what it set stays.
    """

    def __init__(self, app: Any, is_kept_up: Callable[[Any], bool]) -> None:
        self._app = app
        self._is_kept_up = is_kept_up
        super().__init__({})

    @property
    def mapping(self) -> MutableMapping[str, Any]:
        """The attributes that it has now: ``app.state = State()`` puts others there."""
        found: MutableMapping[str, Any] = vars(self._app.state).get("_state", {})
        return found

    def restore(self) -> None:
        """Undo every change since the baseline."""
        if self._is_kept_up(self._app):
            self._baseline = self._content()
        super().restore()


class SharedMappings:
    """Watches them from the first test on: what modules set before is for all tests.

    Args:
        found: Called with the guard of each that is found later, an application that a test imports.
        mode: With ``observe`` nothing is undone, and what nothing is told of, the environment and ``app.state``, is
            not watched.
        is_kept_up: Whether a lifespan of an application that a test started goes on when the test is over.
    """

    def __init__(
        self,
        found: Callable[[MappingGuard[Any, Any]], None],
        mode: Mode,
        is_kept_up: Callable[[Any], bool],
    ) -> None:
        self._found = found
        self._mode = mode
        self._is_kept_up = is_kept_up
        self.are_watched = False
        self.guards: list[MappingGuard[Any, Any]] = []
        self._overrides: list[OverridesGuard] = []

    def watch(self) -> None:
        """Start: what is there now is the first baseline."""
        self.are_watched = True
        if self._mode == "on":
            self.guards.append(EnvironmentGuard())
        self.note(overriding_applications())

    def undo(self) -> None:
        """Put back what a test changed, and tell which dependencies it left overridden; that is no failure."""
        with every_step() as step:
            for guard in self.guards:
                with step:
                    if isinstance(guard, OverridesGuard) and OverrideLeft in listeners:
                        guard.tell()
                    guard.restore()

    def overrides(self) -> list[Override]:
        """Return the overrides that the test at hand, with its own fixtures, has set and not taken back."""
        return [
            Override(guard.app, dependency, function)
            for guard in self._overrides
            if not guard.is_empty
            for dependency, (_, function) in guard.changed().items()
            if not isinstance(function, Missing)
        ]

    def note(self, applications: Iterable[Any]) -> None:
        """Watch the overrides, and the state, of these applications too, those of them that have any."""
        if not self.are_watched:
            return
        for app in applications:
            overrides = getattr(app, "dependency_overrides", None)
            if overrides is not None and all(guard.mapping is not overrides for guard in self.guards):
                self._watch(OverridesGuard(app) if self._mode == "on" else ObservedOverrides(app))
                if self._mode == "on" and hasattr(app, "state"):
                    self._watch(StateGuard(app, self._is_kept_up))

    def _watch(self, guard: MappingGuard[Any, Any]) -> None:
        self.guards.append(guard)
        if isinstance(guard, OverridesGuard):
            self._overrides.append(guard)
        self._found(guard)
