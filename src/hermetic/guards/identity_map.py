"""Put back what the living Sessions hold, when rows were put back: see ``database/engines/sessions.py``.

What was in a Session at the end of a wider fixture's set-up belongs to that fixture, in the layers of a mapping: the
objects by Session and key, with what is loaded of each.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from hermetic.guards.mapping import Guard, MappingLayer, MappingStart, Missing

if TYPE_CHECKING:
    from hermetic.database.engines.sessions import Identities, Key, Loaded


class IdentityGuard(Guard["Key", "Loaded"]):
    """Keeps the objects of wider fixtures in their Sessions, and no others.

    Args:
        identities: The objects of the living Sessions.
    """

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        super().__init__()

    def _content(self) -> dict[Key, Loaded]:
        """What somebody else uses now counts as unchanged."""
        at_work = self._identities.at_work()
        theirs = {key: loaded for key, loaded in self._baseline.items() if key[0] in at_work}
        return theirs | self._identities.content()

    def _put_back(self, key: Key, value: Loaded | Missing) -> None:
        if isinstance(value, Missing):
            self._identities.expunge(key)
        else:
            self._identities.put_back(key, value)

    def _set_up_changed(
        self, start: MappingStart[Key, Loaded]
    ) -> dict[Key, tuple[Loaded | Missing, Loaded | Missing]]:
        """What the test has in a Session stays the test's, whatever a set-up makes of it: a commit expires it."""
        changes = super()._set_up_changed(start)
        return {key: change for key, change in changes.items() if not self._is_of_the_test(key, start)}

    def _is_of_the_test(self, key: Key, start: MappingStart[Key, Loaded]) -> bool:
        """Whether the test has an object for a key, be it in place of a fixture's, which it has closed away."""
        if key not in start.content:
            return False
        theirs = self._baseline.get(key)
        return theirs is None or theirs.instance() is not start.content[key].instance()

    def remove_layer(self, layer: MappingLayer[Key, Loaded]) -> None:
        """Expunge the objects of a layer: what a later fixture changed of one does not keep it."""
        others = [change for change in self._changes if not any(change is mine for mine in layer.changes)]
        for key in {key for change in layer.changes for key in change}:
            first = next(change for change in self._changes if key in change)
            if key not in self._first and any(first is mine for mine in layer.changes):
                for change in others:
                    change.pop(key, None)
        super().remove_layer(layer)
        self._relate({key for change in layer.changes for key in change})

    def restore(self) -> None:
        """Expunge what a test left, and bring back what it changed."""
        for key in self.changed().keys() - self._baseline.keys():
            self._identities.expunge(key)
        super().restore()  # what went with those, too
        self._relate(self._baseline.keys())

    def _relate(self, keys: Collection[Key]) -> None:
        for key, (before, _) in self.changed().items():
            if key in keys and not isinstance(before, Missing):
                self._identities.relate(key, before)

    def has_unflushed(self) -> bool:
        """Whether a Session holds what its next flush would write, so that the next test might."""
        return self._identities.has_unflushed()

    def at_work(self) -> list[str]:
        """Return the Sessions that were left alone, as a report calls them."""
        return list(self._identities.at_work().values())
