"""What one worker database and the server's roles go back to; see ``server/database_properties.py``.

Whether there is anything to read is told with each restore, by ``sql/properties.sql``. Roles are shared by all
databases of a server, and so by all processes of a run. Which process changed one is told by the statements that its
sessions ran; see ``server/roles.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from hermetic.database.backends.postgresql.restore.administration import Administration
from hermetic.database.backends.postgresql.server.database_properties import (
    READ,
    READ_BY_SUPERUSER,
    Key,
    State,
    difference,
    is_of_role,
    read,
    statements,
)
from hermetic.database.backends.postgresql.server.host import PostgresqlHost


class Properties:
    """What one worker database and the server's roles go back to, with what living fixtures made of it.

    Args:
        name: The database.
        host: The server's side.
        administration: Returns hermetic's own session in the database.
    """

    def __init__(self, name: str, host: PostgresqlHost, administration: Callable[[], Administration]) -> None:
        self._name = name
        self._host = host
        self._administration = administration
        self._base: State = {}
        self._moves: dict[int, State] = {}
        self._pending: set[Key] = set()
        self._version: str | None = None

    def mark(self) -> None:
        """Make what there is now what it goes back to, without any fixture."""
        self._version = self._read_version()
        self._base = self.now()
        self._moves.clear()

    def now(self) -> State:
        """Read what there is."""
        administration = self._administration()
        query = READ_BY_SUPERUSER if administration.privileged else READ
        return read(administration.all(query, {"name": self._name}))

    def wanted(self) -> State:
        """Return what it goes back to: of fixtures that changed the same, the one that began last."""
        found = dict(self._base)
        for number in sorted(self._moves):
            found.update(self._moves[number])
        return found

    def take(self, change: int, before: State | None) -> bool:
        """Let what changed since a set-up began belong to the baseline; return whether anything did.

        Args:
            change: The set-up's number.
            before: What there was; None where the database was made since.
        """
        changed = self._ours(difference(before or self._base, self.now()))
        if changed:
            self._moves[change] = changed
        return bool(changed)

    def remove(self, change: int) -> None:
        """Forget what a fixture changed; it is put back with the next restore."""
        changed = self._moves.pop(change, None)
        if changed is not None:
            self._pending |= changed.keys()
            self._version = None

    def differ(self, version: str) -> bool:
        """Whether anything that is ours to put back is not as it should be."""
        return version != self._version and bool(self._changed(self.now()))

    def put_back(self, version: str | None) -> list[Key]:
        """Put back what is not as it should be, and return what that was.

        Args:
            version: Of what there is; None where that was not asked, as nothing at all had changed.
        """
        if version is None or version == self._version:
            return []
        now = self.now()
        changed = self._changed(now)
        if changed:
            self._administration().run("; ".join(statements(self._name, now, {**now, **changed})))
        self._base.update({key: now.get(key) for key in difference(now, self.wanted()) if key not in changed})
        self._version = self._read_version() if changed else version
        self._pending.clear()
        self._host.forget_altered_roles()
        return list(changed)

    def put_on_new_database(self) -> None:
        """Give a database that was made in this one's place what belongs to it."""
        self._version = None
        self.put_back("")

    def _changed(self, now: State) -> State:
        """Return what should be otherwise, and is ours to put back."""
        return self._ours(difference(now, self.wanted()))

    def _ours(self, changed: State) -> State:
        """Leave out what other processes did to roles: that is theirs to undo."""
        return {
            key: value
            for key, value in changed.items()
            if not is_of_role(key) or key in self._pending or self._host.undoes(key[1])
        }

    def _read_version(self) -> str:
        found: str = self._administration().one("SELECT version FROM pg_hermetic.properties")[0]
        return found
