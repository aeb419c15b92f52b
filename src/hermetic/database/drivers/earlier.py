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


@dataclass
class Opening:
    """How a file was first opened.

    Attributes:
        address: The file's.
        maker: Who opened it.
        made: Whether it was made by that.
        written: When it had last been written to, in nanoseconds; 0 if it was not there.
        is_named: Whether an engine has named it since, and was used.
    """

    address: Address
    maker: Maker
    made: bool
    written: int
    is_named: bool = False

    @property
    def is_of_a_running_test(self) -> bool:
        """Whether the file goes, for all that is known, with the test that runs."""
        owner = self.maker.owner
        return self.made and owner.is_test_level and not owner.has_ended

    def put_into(self, database: WorkerDatabase) -> bool:
        """Copy it into a database that was just made for an engine which names it.

        Returns:
            Whether there was something to copy.
        """
        self.is_named = True
        if not Path(self.address.name).exists():
            return False
        if not get_backend(self.address.backend).copy_file(self.address, database.url):
            return False
        if not self.is_of_a_running_test:
            database.mark_baseline()
        if FileNamedLate in listeners:
            emit(FileNamedLate(self.maker.owner, self.maker.location, self.address.name))
        return True


class EarlierFiles:
    """The files that one process opened so.

    Args:
        root: The project's folder.

    Attributes:
        openings: How each was opened first.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.openings: dict[Address, Opening] = {}

    def add(self, address: Address, maker: Maker) -> None:
        """Remember a file that is about to be opened where it is."""
        made = not Path(address.name).exists()
        if made or address not in self.openings:
            self.openings[address] = Opening(address, maker, made, _written(address.name))

    def left(self) -> Iterator[str]:
        """Yield what is said of the project's files that the application wrote to, and that nothing has named."""
        for address, opening in self.openings.items():
            file, place = Path(address.name), opening.maker.location
            if (
                not opening.is_named
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
