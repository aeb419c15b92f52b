"""Bring the databases back to their baseline, and with them what living Sessions hold.

What was in a Session at the end of a wider fixture's set-up belongs to that fixture, in the layers of a mapping: the
objects by Session and key, with what is loaded of each; see ``database/engines/sessions.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import nullcontext
from typing import TYPE_CHECKING

from hermetic import tasks
from hermetic.events import emit, listeners
from hermetic.events.database import Restored
from hermetic.events.lifecycle import Noted
from hermetic.guards.mapping import Guard, MappingLayer, MappingStart, Missing
from hermetic.guards.quiet import Quiet
from hermetic.settings import Mode
from hermetic.steps import every_step
from hermetic.threads import now

if TYPE_CHECKING:
    from hermetic.database.engines.sessions import Identities, Key, Loaded
    from hermetic.database.protocols import WorkerDatabase
    from hermetic.database.registry import Databases


class Restoring:
    """Restores the databases of one process.

    Args:
        mode: With ``observe`` nobody is waited for: there is nothing to restore.
        databases: All of them, and those that tests had for themselves.
        restored: Returns those that are restored.
        quiet: What lets others finish before.
        wrote: Called with each that was written to.

    Attributes:
        identities: What living Sessions hold; empty until the first test.
    """

    def __init__(
        self,
        mode: Mode,
        databases: Databases,
        restored: Callable[[], list[WorkerDatabase]],
        quiet: Quiet,
        wrote: Callable[[WorkerDatabase], None],
    ) -> None:
        self.identities: list[IdentityGuard] = []
        self._mode = mode
        self._databases = databases
        self._restored = restored
        self._quiet = quiet
        self._wrote = wrote
        self._rows_went_back = False

    def watch(self, identities: Identities) -> None:
        """Bring back what living Sessions hold, too: what they hold now belongs to the baseline."""
        self.identities.append(IdentityGuard(identities))

    def restore(self) -> None:
        """Bring every database back.

        Raises:
            RestoreError: Something that outlives the test blocks it; a group where that is so of several databases.
        """
        with every_step() as step:
            with step:
                self._restore_rows()
            with step:
                self._restore_identities()

    async def restore_in_loop(self) -> None:
        """Do the same from a coroutine, while the running loop can turn."""
        if await self._quiet.let_finish_here():
            self.restore()
            return
        with every_step() as step:
            with step:
                await tasks.beside_the_loop(self._restore_rows)
            with step:
                self._restore_identities()

    def _restore_rows(self) -> None:
        with self._quiet.held() if self._mode == "on" else nullcontext(), every_step() as step:
            with step:
                self._databases.release()
            for database in self._restored():
                with step:
                    self._restore_one(database)
            with step:
                self._databases.inventory.undo()

    def _restore_one(self, database: WorkerDatabase) -> None:
        began = now()
        is_changed = database.restore()
        if Restored in listeners:
            emit(Restored(database.name, is_changed, now() - began))
        if is_changed:
            self._rows_went_back = True
            self._wrote(database)

    def _restore_identities(self) -> None:
        """In the thread of the tests, whose Sessions they are."""
        went_back, self._rows_went_back = self._rows_went_back, False
        for guard in self.identities:
            if went_back or guard.has_unflushed():
                guard.restore()
                _tell_of_busy(guard)


def _tell_of_busy(guard: IdentityGuard) -> None:
    if Noted in listeners:
        for name in guard.at_work():
            emit(Noted(f"{name}, while rows were put back: what it holds was left as it was"))


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
        if not self._baseline:  # as of most tests: nothing of it is in use
            return self._identities.content()
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
        changed = {*self.changed()}
        if not changed:
            return
        for key in changed - self._baseline.keys():
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
