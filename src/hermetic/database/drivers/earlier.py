"""Files of databases that a line of the project's opened by a driver before an engine or a setting named them.

Such a file is opened where it is: nothing tells yet that it is a database of the project's. An engine that names it
later is there for what was put into it: a fixture makes tables by ``aiosqlite.connect(file)``, and hands the file's
name on. So the engine's database begins as a copy of the file, and from then on all go there.

What is copied is there for all tests, as the file would be. Only of a file that was made by the very test that runs
nobody knows that it will be there for the next one: its copy is what that test wrote.

Nothing may ever name it: a path that only the code has. Then what the application wrote into it stays there, and the
run says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hermetic.code import is_test_code
from hermetic.database.backend import Address, get_backend
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
        written: When it had last been written to, in nanoseconds; 0 if it was not there.
    """

    maker: Maker
    made: bool
    written: int

    @property
    def is_of_a_running_test(self) -> bool:
        """Whether the file goes, for all that is known, with the test that runs."""
        owner = self.maker.owner
        return self.made and owner.is_test_level and not owner.has_ended


class EarlierFiles:
    """The files that one process opened so.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._openings: dict[Address, Opening] = {}
        self._named: set[Address] = set()

    def add(self, address: Address, maker: Maker) -> None:
        """Remember a file that is about to be opened where it is."""
        made = not Path(address.name).exists()
        if made or address not in self._openings:
            self._openings[address] = Opening(maker, made, _written(address.name))

    def begin(self, address: Address, worker: WorkerDatabase) -> bool:
        """Copy the file of an address into a database that was just made for an engine which names it.

        Returns:
            Whether there was something to copy.
        """
        self._named.add(address)
        opening = self._openings.get(address)
        if opening is None or not Path(address.name).exists():
            return False
        if not get_backend(address.backend).copy_file(address, worker.url):
            return False
        if not opening.is_of_a_running_test:
            worker.mark_baseline()
        if FileNamedLate in listeners:
            emit(FileNamedLate(opening.maker.owner, opening.maker.location, address.name))
        return True

    def left(self) -> Iterator[str]:
        """Yield what is said of the project's files that the application wrote to, and that nothing has named."""
        for address, opening in self._openings.items():
            file, place = Path(address.name), opening.maker.location
            if (
                address not in self._named
                and file.is_relative_to(self._root)
                and not is_test_code(Path(os.path.realpath(place.file)), self._root)
                and _written(address.name) > opening.written
            ):
                path = file.relative_to(self._root).as_posix()
                url = f"{address.backend}:///{path}"
                yield (
                    f"{path} was opened at {os.path.relpath(place.file, self._root)}:{place.line}, and what tests wrote"
                    " is still in it: no setting and no engine names it as a database of the application's"
                )
                yield f"  to leave it alone, and restore what stands in its place: hermetic_targets = {url} -> {url}"


def _written(file: str) -> int:
    """Return when a database's file, or what is not yet moved into it from its log, was last written to."""
    found = (path for path in (file, f"{file}-wal") if os.path.exists(path))
    return max((os.stat(path).st_mtime_ns for path in found), default=0)
