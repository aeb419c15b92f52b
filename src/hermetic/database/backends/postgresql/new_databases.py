"""The databases that code under test makes on a server itself: by an engine, by a driver, or by a program.

The statements of engines are seen, and what a driver or ``createdb`` does is not. So the server's own list is read, and
what is on it belongs to whoever is at work, unless it has our name or mark, or was there when this process came. The
list is read where an engine or a driver asks for a database, around the set-ups of wider fixtures, and after a restore
that was told of a newer database: 35 microseconds each, and nothing for a test that only works in its own database.

Several processes may make databases on one server: the workers of a run, and other runs where the server is somebody's.
It does not tell which of them made one. There a process has those that its own engines make, and those that it connects
to, unless another process has: each holds an advisory lock on the names that are its own. Who connects to one did not
make it by that: it goes with a test only where an earlier look of the same test did not find it, and else stays.

On somebody's server only what the application's role owns is ever taken for the tests'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING

from hermetic import owners
from hermetic.database.backends.postgresql.restore.drivers import sqlstate
from hermetic.database.backends.postgresql.server import marks
from hermetic.database.backends.postgresql.server.instance import PREFIX, TEMPLATE
from hermetic.database.backends.postgresql.server.quoting import quoted
from hermetic.database.stored import PREFIX as KEPT
from hermetic.errors import ConfigurationError, DatabaseNameTaken
from hermetic.events import emit, listeners
from hermetic.events.database import DatabaseMade
from hermetic.owners import PROCESS, Owner

if TYPE_CHECKING:
    from hermetic.database.backends.postgresql.server.host import PostgresqlHost

SPACE = 0x4E414D45  # "NAME": keeps the keys of these advisory locks apart from anybody else's
LIST = "SELECT datname, d.oid::bigint, rolname FROM pg_database d JOIN pg_roles r ON r.oid = datdba"
HELD = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = %s
    AND objid::bigint = hashtext(%s)::bigint & 4294967295 AND pid <> pg_backend_pid()
"""
DUPLICATE_DATABASE, UNIQUE_VIOLATION = "42P04", "23505"
_NAME = re.compile(r"\(datname\)=\((.+?)\)|[\"«„“](.+?)[\"»”“] ")
"""Where an error has a database's name: in whatever language, between whatever quotation marks."""
OURS = (PREFIX, TEMPLATE, KEPT)
"""How the names of hermetic's own databases begin."""


@dataclass(frozen=True)
class Made:
    """A database that code under test made.

    Attributes:
        oid: Its number, which a later one of that name has not.
        owner: Who made it.
        is_ours: Whether a statement or a connection of this process showed that.
    """

    oid: int
    owner: Owner
    is_ours: bool


class MadeDatabases:
    """Those of one process, on one server.

    Args:
        host: The server.
        gone: Called with the name of one that is there no more.

    Attributes:
        newest: The number of the newest database on the server, when it was last looked at.
        left: What stays on the server, for people.
    """

    def __init__(self, host: PostgresqlHost, gone: Callable[[str], None]) -> None:
        self.newest = 0
        self.left: list[str] = []
        self._host = host
        self._gone = gone
        self._made: dict[str, Made] = {}
        self._dropped: set[str] = set()
        self._not_made: set[int] = set()
        self._seen: frozenset[int] = frozenset()
        self._looked_in: Owner | None = None
        self._appeared_in: dict[int, Owner] = {}
        self._lock = RLock()

    @property
    def names(self) -> Collection[str]:
        """What they are called, those too that a driver or a program dropped: who connects to one finds none."""
        return self._made.keys() | self._dropped

    def is_of_a_test(self, name: str) -> bool:
        """Whether one goes with the test that made it."""
        one = self._made.get(name)
        return one is not None and one.owner.is_test_level

    def is_there(self, name: str) -> bool:
        """Whether it was there at the last look."""
        return name in self._made

    def of_tests(self) -> list[str]:
        """Return those that go with the test that made them."""
        return [name for name, one in self._made.items() if one.owner.is_test_level]

    def look(self, owner: Owner | None = None, *, asked: str = "", made: str = "", dropped: str = "") -> None:
        """Learn what was made and dropped since the last look.

        Args:
            owner: Who made what is new; whoever is at work where None.
            asked: The name of a database that this process is about to connect to.
            made: The name of one that an engine of this process has just made.
            dropped: The name of one that such an engine has just dropped.
        """
        if not self._host.is_used:
            return
        from psycopg import OperationalError

        # What connects to a server that is gone says so; not whoever only looks.
        with suppress(OperationalError, ConfigurationError):
            self._look(owner, asked, made)
            self._dropped.discard(dropped)

    def _look(self, owner: Owner | None, asked: str, made: str) -> None:
        owner = owner or owners.current()
        with self._lock:
            there = {name: (int(oid), role) for name, oid, role in self._host.run(LIST)}
            self.newest = max(oid for oid, _ in there.values())
            self._note_new(frozenset(oid for oid, _ in there.values()), owner.test)
            gone = [name for name, one in self._made.items() if self._is_gone(name, one, there)]
            for name in gone:
                del self._made[name]
                self._dropped.add(name)
            for name, (oid, role) in there.items():
                is_ours = name in (asked, made)
                if name in self._made:
                    self._made[name] = replace(
                        self._made[name], oid=oid, is_ours=is_ours or self._made[name].is_ours
                    )
                elif (name == made or self._is_made(name, oid, role, is_asked=is_ours)) and self._claim(name):
                    is_certain = name == made or self._is_makers(owner, oid)
                    self._made[name] = Made(oid, owner if is_certain else PROCESS, is_ours)
                    if DatabaseMade in listeners:
                        emit(DatabaseMade(name))
                    self._dropped.discard(name)
        for name in gone:
            self._release(name)
            self._gone(name)

    def _is_gone(self, name: str, one: Made, there: dict[str, tuple[int, str]]) -> bool:
        if name not in there:
            return True
        oid = there[name][0]
        return oid != one.oid and oid not in self._host.renamed  # else we made it anew

    def _is_made(self, name: str, oid: int, role: str, *, is_asked: bool) -> bool:
        """Whether a database is one that code under test of this process made."""
        if oid in self._host.there or oid in self._not_made or name.startswith(OURS):
            return False
        if marks.read(self._host.run, name) or not self._host.may_be_a_tests(role):
            self._not_made.add(oid)
            return False
        return is_asked or self._host.is_alone()

    # -- among several processes

    def _note_new(self, there: frozenset[int], test: Owner | None) -> None:
        """Note in which test each appeared: after a look of that test, and while no wider fixture was set up."""
        new = there - self._seen
        self._seen = there
        self._appeared_in = {oid: by for oid, by in self._appeared_in.items() if oid in there}
        if test is not None:
            if test is self._looked_in:
                self._appeared_in.update(dict.fromkeys(new, test))
            self._looked_in = test

    def _is_makers(self, owner: Owner, oid: int) -> bool:
        """Whether one goes when its owner does: not where a fixture, or another process, may have made it before."""
        return owner.test is None or self._host.is_alone() or self._appeared_in.get(oid) is owner.test

    def _claim(self, name: str) -> bool:
        """Take a name for this process; return whether it has it."""
        return bool(self._host.run("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [SPACE, name])[0][0])

    def _release(self, name: str) -> None:
        self._host.run("SELECT pg_advisory_unlock(%s, hashtext(%s))", [SPACE, name])

    def is_anothers(self, name: str) -> bool:
        """Whether another process has the database of that name."""
        return name not in self._made and bool(self._host.run(HELD, [SPACE, name]))

    def refuse_to_drop(self, name: str) -> None:
        """Refuse to let a statement drop what another process works in.

        Raises:
            DatabaseNameTaken: It would.
        """
        if self.is_anothers(name):
            raise taken(name, "Dropped here, it would be gone for the tests of that process, too.")

    def explain(self, error: BaseException) -> DatabaseNameTaken | None:
        """Return why a database cannot be made, where an error says that there is one of that name."""
        name = taken_name(error)
        if name is None or name in self._made or self._host.is_alone():
            return None
        if self._host.instance.is_shared and self._was_there(name) and not self.is_anothers(name):
            return None
        return taken(name, "So it cannot be made here.")  # perhaps it is gone again by now

    def _was_there(self, name: str) -> bool:
        rows = self._host.run("SELECT oid::bigint FROM pg_database WHERE datname = %s", [name])
        return bool(rows) and rows[0][0] in self._host.there

    # -- at the end

    def drop_all(self) -> None:
        """Drop all that are there now."""
        self.look()
        for name in list(self._made):
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drop one, whoever of the tests is connected; what is perhaps somebody else's, only where nobody is."""
        one = self._made.pop(name)
        self._gone(name)
        with self._left_in_use(name):
            if self._host.run("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [name]):
                self._host.run(f"ALTER DATABASE {quoted(name)} IS_TEMPLATE false")
            force = " WITH (FORCE)" if one.is_ours or not self._host.instance.is_shared else ""
            self._host.run(f"DROP DATABASE IF EXISTS {quoted(name)}{force}")
        self._release(name)

    @contextmanager
    def _left_in_use(self, name: str) -> Iterator[None]:
        from psycopg.errors import ObjectInUse

        try:
            yield
        except ObjectInUse:
            self.left.append(
                f"the database {name}, made while the tests ran: somebody else is connected to it"
            )


def taken_name(error: BaseException) -> str | None:
    """Return the database that there is already, where an error, or one that led to it, says so."""
    here: BaseException | None = error
    while here is not None:
        code, said = sqlstate(here), str(here)
        if code == DUPLICATE_DATABASE or (code == UNIQUE_VIOLATION and "pg_database_datname_index" in said):
            found = _NAME.search(said)
            if found:  # SQLAlchemy's adapter leaves out the detail, which the driver's error has
                return found[1] or found[2]
        here = here.__cause__ or here.__context__
    return None


def taken(name: str, why: str) -> DatabaseNameTaken:
    """Return the error of a name that another process has."""
    return DatabaseNameTaken(
        f"another process that tests on this server has a database {name!r}.",
        why=f"{why} The workers of a run share its server, and there a name means one database.",
        hints=(
            f"have each pytest-xdist worker use a name of its own, by the fixture worker_id: {name}_{{worker_id}}",
            'or run all tests that use it in one worker: @pytest.mark.xdist_group("databases") and --dist loadgroup',
        ),
    )
