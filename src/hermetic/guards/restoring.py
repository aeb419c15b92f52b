"""Bring the databases back to their baseline, and with them what living Sessions hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from hermetic import tasks
from hermetic.events import emit, listeners
from hermetic.events.database import Restored
from hermetic.events.lifecycle import Noted
from hermetic.guards.identity_map import IdentityGuard
from hermetic.guards.quiet import Quiet
from hermetic.settings import Mode
from hermetic.steps import every_step
from hermetic.threads import now

if TYPE_CHECKING:
    from hermetic.database.engines.sessions import Identities
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
