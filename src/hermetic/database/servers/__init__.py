"""Where worker databases are made, by backend; each kind of server is opened when its first database is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from hermetic.database.protocols import Server
from hermetic.steps import every_step


class Servers:
    """The servers of one process.

    Args:
        makers: How to make each, by backend.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Server]]) -> None:
        self._makers = makers
        self._made: dict[str, Server] = {}

    def __getitem__(self, backend: str) -> Server:
        if backend not in self._made:
            self._made[backend] = self._makers[backend]()
        return self._made[backend]

    @property
    def backends(self) -> Collection[str]:
        """What databases can be of, whether or not the server was made."""
        return self._makers.keys()

    def made(self) -> list[tuple[str, Server]]:
        """Return those that were made, with their backends."""
        return list(self._made.items())

    def stop(self) -> None:
        """Stop those that were made."""
        with every_step() as step:
            for server in self._made.values():
                with step:
                    server.stop()
            self._made.clear()
