"""Put a shared mapping back after each test: the process environment, an application's ``dependency_overrides``.

What a test changed is undone when it ends; what a wider fixture set belongs to the baseline until that fixture's
teardown, even when a test was the first to ask for it. Layers, not a stack: fixtures end in any order.
"""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Missing:
    """The value of a key that is not there."""


MISSING = _Missing()


@dataclass
class MappingLayer(Generic[K, V]):
    """What one fixture changed: for each key the value before and the value it set."""

    changes: dict[K, tuple[V | _Missing, V | _Missing]]


class MappingGuard(Generic[K, V]):
    """Keeps the baseline of one mapping.

    Args:
        mapping: What is watched; its content now is the first baseline.
        ignore: Keys that somebody else owns and that may change at any time.
    """

    def __init__(self, mapping: MutableMapping[K, V], *, ignore: frozenset[K] = frozenset()) -> None:
        self._mapping = mapping
        self._ignore = ignore
        self._baseline = dict(mapping)
        self._layers: list[MappingLayer[K, V]] = []
        self._open: list[dict[K, V]] = []

    @property
    def mapping(self) -> MutableMapping[K, V]:
        """What is watched."""
        return self._mapping

    def changed(self) -> dict[K, tuple[V | _Missing, V | _Missing]]:
        """Return what differs from the baseline: for each key the baseline's value and the one now."""
        return _difference(self._baseline, dict(self.mapping), self._ignore)

    def begin_layer(self) -> dict[K, V]:
        """Note the content before a fixture's set-up; calls nest."""
        self._open.append(dict(self.mapping))
        return self._open[-1]

    def end_layer(self, before: dict[K, V]) -> MappingLayer[K, V] | None:
        """Take what was changed since ``before`` into the baseline; None when nothing was."""
        del self._open[next(i for i, started in enumerate(self._open) if started is before) :]
        changes = _difference(before, dict(self.mapping), self._ignore)
        if not changes:
            return None
        layer = MappingLayer(changes)
        for known in (self._baseline, *self._open):
            for key, (_, after) in changes.items():
                _put(known, key, after)
        self._layers.append(layer)
        return layer

    def remove_layer(self, layer: MappingLayer[K, V]) -> None:
        """Take a layer out of the baseline and out of the mapping."""
        above = self._layers[self._layers.index(layer) + 1 :]
        self._layers.remove(layer)
        for key, (before, _) in layer.changes.items():
            covering = next((other for other in above if key in other.changes), None)
            if covering is not None:
                covering.changes[key] = (before, covering.changes[key][1])
                continue
            _put(self._baseline, key, before)
            _put(self.mapping, key, before)

    def restore(self) -> None:
        """Undo every change since the baseline."""
        for key, (before, _) in self.changed().items():
            _put(self.mapping, key, before)


def _difference(
    before: dict[K, V], after: dict[K, V], ignore: frozenset[K]
) -> dict[K, tuple[V | _Missing, V | _Missing]]:
    if before == after:
        return {}
    changes: dict[K, tuple[V | _Missing, V | _Missing]] = {}
    for key in {**before, **after}:
        old, new = before.get(key, MISSING), after.get(key, MISSING)
        if key not in ignore and (old is not new and old != new):
            changes[key] = (old, new)
    return changes


def _put(mapping: MutableMapping[K, V], key: K, value: V | _Missing) -> None:
    if isinstance(value, _Missing):
        mapping.pop(key, None)
    else:
        mapping[key] = value
