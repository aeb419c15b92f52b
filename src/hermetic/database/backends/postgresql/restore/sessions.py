"""The connections that the application has to one worker database: whose they are, and what they left behind.

``SET``, temporary tables, advisory locks, ``LISTEN``, ``PREPARE`` and cursors WITH HOLD survive a check-in, and a test
that finds them got them from another one. The server tells nobody but the session itself, so the statements are read as
they go by: one look-up in a cache a statement, about a microsecond. A session that was changed so is replaced after the
test, which costs a connect, 2-5 ms, for just the tests that do it. (``RESET ALL`` would also undo what a ``connect``
listener of the application set; ``DISCARD ALL`` would take the statements that asyncpg prepared.)
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from sqlalchemy.engine.interfaces import DBAPIConnection

from hermetic.database.backends.postgresql.restore.drivers import backend_pid, in_transaction
from hermetic.database.in_use import Checkout, OpenWork, RawConnections

_BLANK = re.compile(r"(?:\s+|--[^\n]*+)*+")
_EDGE = re.compile(r"/\*|\*/")
_FIRST_WORD = re.compile(
    r"(?:SET\s+(?!LOCAL\b|TRANSACTION\b|CONSTRAINTS\b)|RESET\b|LISTEN\b|PREPARE\s+(?!TRANSACTION\b)|LOAD\b"
    r"|DISCARD\b|DECLARE\b.*\bWITH\s+HOLD\b|CREATE\s+(?:(?:GLOBAL|LOCAL)\s+)?(?:OR\s+REPLACE\s+)?TEMP)",
    re.IGNORECASE | re.DOTALL,
)
_ANYWHERE = re.compile(
    r"\bpg_(?:try_)?advisory_lock|\bset_config\s*\((?![^)]*\btrue\s*\))|\bINTO\s+TEMP", re.IGNORECASE
)
_OF_A_DATABASE = re.compile(
    r"(?P<verb>CREATE|DROP)\s+DATABASE\s+(?:IF\s+EXISTS\s+)?(?:\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<plain>[\w$]+))",
    re.IGNORECASE,
)
_OF_A_ROLE = re.compile(
    r"ALTER\s+(?:ROLE|USER)\s+(?!MAPPING\b)(?:\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<plain>[\w$]+))",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def leaves_traces(statement: str) -> bool:
    """Whether a session is not as it was after this statement, whatever its transaction comes to."""
    return bool(_FIRST_WORD.match(statement, _start(statement)) or _ANYWHERE.search(statement))


@lru_cache(maxsize=4096)
def of_a_database(statement: str) -> tuple[str, str] | None:
    """Return what a statement does to a whole database, ``create`` or ``drop``, and the database's name."""
    found = _OF_A_DATABASE.match(statement, _start(statement))
    return (found["verb"].lower(), _name(found)) if found else None


@lru_cache(maxsize=4096)
def of_a_role(statement: str) -> str | None:
    """Return the role that a statement alters, as it names it: ``current_user`` and ``all`` are none."""
    found = _OF_A_ROLE.match(statement, _start(statement))
    return _name(found) if found else None


def _name(found: re.Match[str]) -> str:
    quoted, plain = found["quoted"], found["plain"]
    return quoted.replace('""', '"') if quoted else plain.lower()


def _start(statement: str) -> int:
    """Return where the first word is: behind blanks and comments, which nest. Each is read once, however many."""
    position = _after_blank(statement, 0)
    while statement.startswith("/*", position):
        position = _after_blank(statement, _after_comment(statement, position + 2))
    return position


def _after_blank(statement: str, position: int) -> int:
    found = _BLANK.match(statement, position)
    assert found is not None, "it matches nothing at all, too"
    return found.end()


def _after_comment(statement: str, position: int) -> int:
    depth = 1
    for edge in _EDGE.finditer(statement, position):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(statement)


@dataclass(eq=False)
class Session:
    """A connection.

    Attributes:
        connection: What its pool holds.
        pid: The process of the server's side; None where the driver does not tell.
        checkout: Who uses it now; None while it is in its pool.
        latest: Who used it before.
        changed: Whether a statement left something in it that outlives a check-in.
    """

    connection: DBAPIConnection
    pid: int | None
    checkout: Checkout | None = None
    latest: Checkout | None = None
    changed: bool = False

    @property
    def is_of_a_test(self) -> bool:
        """Whether it is idle, or in the hands of something that ends with the test."""
        return self.checkout is None or self.checkout.owner.is_test_level

    def open_work(self) -> OpenWork | None:
        """Return the transaction that it has open, if any."""
        return OpenWork("transaction", self.checkout) if in_transaction(self.connection) else None


class Sessions:
    """The open connections, by identity; every method may be called from any thread.

    Attributes:
        raw: Those that drivers opened which the project uses itself.
    """

    def __init__(self) -> None:
        self.raw = RawConnections()
        self._by_id: dict[int, Session] = {}
        self._lock = threading.RLock()  # the collector may give a connection back in the midst of anything

    def opened(self, connection: DBAPIConnection) -> Session:
        """Remember a connection that was opened."""
        session = Session(connection, backend_pid(connection))
        with self._lock:
            self._by_id[id(connection)] = session
        return session

    def closed(self, connection: DBAPIConnection) -> Session | None:
        """Forget one; return what was known of it."""
        with self._lock:
            return self._by_id.pop(id(connection), None)

    def get(self, connection: object) -> Session | None:
        """Return what is known of a connection."""
        return self._by_id.get(id(connection))

    def by_pid(self, pid: int) -> Session | None:
        """Return the connection whose server side is this process."""
        found = next((each for each in self.all() if each.pid == pid), None)
        raw = self.raw.by_pid(pid) if found is None else None
        return found if raw is None else Session(cast(DBAPIConnection, raw.connection), pid, raw.checkout)

    def are_several_in_use(self) -> bool:
        """Whether two or more are in use, those of drivers included that the project uses itself.

        One that lies in its pool may have a lock of its session.
        """
        used = sum(one.checkout is not None or one.changed for one in self.all())
        return used > 1 or used + sum(one.is_used for one in self.raw.all()) > 1

    def all(self) -> list[Session]:
        """Return every open connection."""
        with self._lock:
            return list(self._by_id.values())

    def where(self, wanted: Callable[[Session], bool]) -> list[Session]:
        """Return those that are wanted."""
        return [each for each in self.all() if wanted(each)]
