"""What was told of engines and tables since the run began: a session's fixture makes what a later test misses."""

from __future__ import annotations

import re
from collections import deque
from typing import Any, NamedTuple

from hermetic.code import Location
from hermetic.events import Kind
from hermetic.events.database import DatabaseMade, EngineResolved, Statement
from hermetic.events.lifecycle import ContentsFound
from hermetic.statements import table_name

MOST = 1_000
"""Of how many engines, and of how many statements that make a table, it is known where."""

_CREATE = re.compile(
    r"\s*CREATE\s+(?:TEMP\w*\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.\"`\[\]]+)", re.IGNORECASE
)

_SHARED = re.compile(r"cache=shared|memdb")
"""What has several connections share a database in memory; else each has its own."""


class Made(NamedTuple):
    """A table that was made.

    Attributes:
        table: Its name, without its schema.
        engine: The URL of the engine, password masked.
        connection: The number of the connection.
        location: The user's line.
        owner: Whose that was.
    """

    table: str
    engine: str
    connection: int
    location: Location
    owner: str


class DatabaseHistory:
    """The engines, the tables that somebody made, and what hermetic has filled its databases by.

    Attributes:
        contents: Descriptions of the latter; empty as long as it has filled none.
        of_the_tests: The names of those that tests and fixtures made on hermetic's server.
    """

    KINDS: tuple[Kind, ...] = (ContentsFound, DatabaseMade, EngineResolved)

    def __init__(self) -> None:
        self.contents: tuple[str, ...] = ()
        self.of_the_tests: set[str] = set()
        self._engines: dict[int, EngineResolved] = {}
        self._made: deque[Made] = deque(maxlen=MOST)

    def hear(self, event: Any) -> None:
        """Keep what matters of an event."""
        if isinstance(event, ContentsFound):
            self.contents = event.descriptions
        elif isinstance(event, DatabaseMade):
            self.of_the_tests.add(event.name)
        elif isinstance(event, EngineResolved):
            self._engines.pop(event.engine, None)
            self._engines[event.engine] = event
            if len(self._engines) > MOST:
                del self._engines[next(iter(self._engines))]

    def note_making(self, event: Statement) -> None:
        """Keep which table a statement that begins with CREATE has made, if it is one."""
        found = _CREATE.match(event.text)
        if found is not None:
            name = table_name(found[1])
            self._made.append(Made(name, event.engine, event.connection, event.location, event.owner.name))

    def engine(self, engine: object) -> EngineResolved | None:
        """Return what is known of an engine."""
        return self._engines.get(id(engine))

    def engine_of(self, url: str) -> EngineResolved | None:
        """Return what is known of the latest engine for a URL."""
        return next((each for each in reversed(self._engines.values()) if each.url == url), None)

    def engines(self) -> list[EngineResolved]:
        """Return what is known of every engine, in the order of their first uses."""
        return list(self._engines.values())

    def made(self, table: str) -> list[Made]:
        """Return who made a table, and where, in order."""
        return [each for each in self._made if each.table == table]

    def is_elsewhere(self, made: Made, url: str, connection: int) -> bool:
        """Whether a table was made in another database than that of a connection on the engine of some URL."""
        resolved = next((each for each in self._engines.values() if each.url == url), None)
        is_its_own = resolved is not None and resolved.is_in_memory and not _SHARED.search(url)
        return made.connection != connection if is_its_own and made.engine == url else made.engine != url
