"""Put a shared mapping back after each test: the process environment, an application's ``dependency_overrides``.

What a test changed is undone when it ends; what a wider fixture set belongs to the baseline until that fixture's
teardown, even when a test was the first to ask for it. Layers, not a stack: fixtures end in any order. A layer is
made of changes, one for each stretch of the set-up between those of other fixtures; a key has the value that the last
living change gave it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Missing:
    """The value of a key that is not there."""


MISSING = Missing()


@dataclass(eq=False)
class MappingLayer(Generic[K, V]):
    """What one fixture changed: more than one change where others were set up, or ended, in between."""

    changes: list[dict[K, V | Missing]]


@dataclass(eq=False)
class MappingStart(Generic[K, V]):
    """A set-up that goes on: the content when its present change began, and those before."""

    content: dict[K, V]
    changes: list[dict[K, V | Missing]] = field(default_factory=list)


class Guard(ABC, Generic[K, V]):
    """Keeps the baseline of something that has a value for each key; its content now is the first one."""

    def __init__(self) -> None:
        self._changes: list[dict[K, V | Missing]] = []
        self._open: list[MappingStart[K, V]] = []
        self._baseline: dict[K, V] = {}
        self._baseline = self._content()
        self._first = dict(self._baseline)

    @abstractmethod
    def _content(self) -> dict[K, V]:
        """Return what is there now."""

    @abstractmethod
    def _put_back(self, key: K, value: V | Missing) -> None:
        """Give a key the value that it is to have."""

    def _set_up_changed(self, start: MappingStart[K, V]) -> dict[K, tuple[V | Missing, V | Missing]]:
        """Return what a set-up changed since its present change began."""
        return _difference(start.content, self._content())

    def changed(self) -> dict[K, tuple[V | Missing, V | Missing]]:
        """Return what differs from the baseline: for each key the baseline's value and the one now."""
        return _difference(self._baseline, self._content())

    def begin_layer(self) -> MappingStart[K, V]:
        """Note the content before a fixture's set-up; calls nest, and what the enclosing one set so far is its own."""
        self._take()
        self._open.append(MappingStart(self._content()))
        return self._open[-1]

    def end_layer(self, start: MappingStart[K, V]) -> MappingLayer[K, V] | None:
        """Take what was changed since ``start`` into the baseline; None when nothing was."""
        self._take()
        self._open.remove(start)
        self._note_content()
        return MappingLayer(start.changes) if start.changes else None

    def remove_layer(self, layer: MappingLayer[K, V]) -> None:
        """Take a layer out of the baseline and out of what is there now.

        Where it changed what the test had changed before, the test's value does not come back: it would outlive it.
        """
        self._take()
        self._changes = [
            change for change in self._changes if not any(change is mine for mine in layer.changes)
        ]
        for key in {key: None for change in layer.changes for key in change}:
            value = self._without_the_test(key)
            _put(self._baseline, key, value)
            self._put_back(key, value)
        self._note_content()

    def _without_the_test(self, key: K) -> V | Missing:
        youngest = next((change for change in reversed(self._changes) if key in change), None)
        return self._first.get(key, MISSING) if youngest is None else youngest[key]

    def _take(self) -> None:
        """Make a change of what the innermost set-up changed."""
        if not self._open:
            return
        start = self._open[-1]
        found = self._set_up_changed(start)
        if found:
            change = {key: after for key, (_, after) in found.items()}
            self._changes.append(change)
            start.changes.append(change)
            for key, after in change.items():
                _put(self._baseline, key, after)

    def _note_content(self) -> None:
        if self._open:
            self._open[-1].content = self._content()

    def restore(self) -> None:
        """Undo every change since the baseline."""
        for key, (before, _) in self.changed().items():
            self._put_back(key, before)


class MappingGuard(Guard[K, V]):
    """Keeps the baseline of one mapping.

    Args:
        mapping: What is watched.
        ignore: Keys that somebody else owns and that may change at any time.
    """

    def __init__(self, mapping: MutableMapping[K, V], *, ignore: frozenset[K] = frozenset()) -> None:
        self._mapping = mapping
        self._ignore = ignore
        super().__init__()

    @property
    def mapping(self) -> MutableMapping[K, V]:
        """What is watched."""
        return self._mapping

    def _content(self) -> dict[K, V]:
        return {key: value for key, value in self.mapping.items() if key not in self._ignore}

    def _put_back(self, key: K, value: V | Missing) -> None:
        _put(self.mapping, key, value)


def _difference(before: dict[K, V], after: dict[K, V]) -> dict[K, tuple[V | Missing, V | Missing]]:
    if is_same(before, after):
        return {}
    changes: dict[K, tuple[V | Missing, V | Missing]] = {}
    for key in {**before, **after}:
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        if not is_same(old, new):
            changes[key] = (old, new)
    return changes


def is_same(one: Any, other: Any) -> bool:
    """Whether two values are equal, as far as they can be asked: an array has no truth."""
    try:
        return one is other or bool(one == other)
    except Exception:
        return False


def _put(mapping: MutableMapping[K, V], key: K, value: V | Missing) -> None:
    if isinstance(value, Missing):
        mapping.pop(key, None)
    else:
        mapping[key] = value
