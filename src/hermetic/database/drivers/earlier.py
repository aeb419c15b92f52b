"""Files of databases that a line of the project's opened by a driver before an engine or a setting named them.

Such a file is opened where it is: nothing tells yet that it is a database of the project's. An engine that names it
later is there for what was put into it: a fixture makes tables by ``aiosqlite.connect(file)``, and hands the file's
name on. So the engine's database begins as a copy of the file, and from then on all go there.

What is copied is there for all tests, as the file would be. Only of a file that was made by the very test that runs
nobody knows that it will be there for the next one: its copy is what that test wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hermetic.database import backends
from hermetic.database.address import Address
from hermetic.database.in_use import Maker
from hermetic.database.protocols import WorkerDatabase
from hermetic.events import emit, listeners
from hermetic.events.lifecycle import FileNamedLate


@dataclass(frozen=True)
class Opening:
    """How a file was first opened.

    Attributes:
        maker: Who opened it.
        made: Whether it was made by that.
    """

    maker: Maker
    made: bool

    @property
    def is_of_a_running_test(self) -> bool:
        """Whether the file goes, for all that is known, with the test that runs."""
        owner = self.maker.owner
        return self.made and owner.is_test_level and not owner.has_ended


class EarlierFiles:
    """The files that one process opened so."""

    def __init__(self) -> None:
        self._openings: dict[Address, Opening] = {}

    def add(self, address: Address, maker: Maker) -> None:
        """Remember a file that is about to be opened where it is."""
        made = not Path(address.name).exists()
        if made or address not in self._openings:
            self._openings[address] = Opening(maker, made)

    def begin(self, address: Address, worker: WorkerDatabase) -> bool:
        """Copy the file of an address into a database that was just made for an engine which names it.

        Returns:
            Whether there was something to copy.
        """
        opening = self._openings.get(address)
        if opening is None or not Path(address.name).exists():
            return False
        if not backends.get(address.backend).copy_file(address, worker.url):
            return False
        if not opening.is_of_a_running_test:
            worker.mark_baseline()
        if FileNamedLate in listeners:
            emit(FileNamedLate(opening.maker.owner, opening.maker.location, address.name))
        return True
