"""Random sequences of operations over several connections, some of which commit while a restore runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from unittest.mock import patch

import psycopg
from hypothesis import strategies as st

from hermetic.database.backends.postgresql.restore import administration
from tests.database.backends.postgresql.restore.dumping import Dump
from tests.database.backends.postgresql.restore.opened import WORLD, Connection, Opened, Place
from tests.database.backends.postgresql.restore.operations import ADDED, ALTERED, TOUCHES, WRITES

CONNECTIONS = 3


@dataclass(frozen=True)
class Step:
    """An operation on one connection, in the transaction that it has open; or that transaction's end."""

    connection: int
    operation: str


@dataclass(frozen=True)
class NextTest:
    """The end of one test and the start of the next.

    Attributes:
        during: The connection whose transaction commits while the database is restored; None for none.
    """

    during: int | None = None


Play: TypeAlias = list[Step | NextTest]
End = Literal["commit", "rollback"]

OPERATIONS = {**WRITES, **{f"large: {name}": sql for name, sql in TOUCHES.items()}}
CHANGES = {**{f"added: {name}": sql for name, sql in ADDED.items()}, **ALTERED}
SQL = {**OPERATIONS, **CHANGES}

connections = st.integers(0, CONNECTIONS - 1)
steps = st.one_of(
    *[st.builds(Step, connections, st.sampled_from(sorted(OPERATIONS)))] * 4,
    st.builds(Step, connections, st.sampled_from(sorted(CHANGES))),
    *[st.builds(Step, connections, st.sampled_from(["commit", "commit", "rollback"]))] * 3,
)
plays = st.lists(steps | st.builds(NextTest, st.none() | connections), max_size=16)


@dataclass(eq=False)
class Stage:
    """A worker database on which plays are done one after the other; a new one after each that fails."""

    place: Place
    _opened: Opened | None = None
    _before: Dump = field(default_factory=dict)
    _connections: list[Connection] = field(default_factory=list)

    def do(self, play: Play) -> None:
        """Do a play: after each of its tests the database is as it was."""
        if self._opened is None:
            self._opened = self.place.database(WORLD)
            self._before = self._opened.dump()
            self._connections = [self._connect() for _ in range(CONNECTIONS)]
        try:
            for step in [*play, NextTest()]:
                if isinstance(step, Step):
                    self._run(step)
                else:
                    self._restore(step)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the database."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _connect(self) -> Connection:
        assert self._opened is not None
        connection = self._opened.connect(
            autocommit=False, options="-c lock_timeout=30ms -c statement_timeout=5s"
        )
        return connection

    def _run(self, step: Step) -> None:
        """That the server refuses an operation is part of the play."""
        connection = self._living(step.connection)
        try:
            self._action(connection, step.operation)()
        except psycopg.Error:
            with suppress(psycopg.Error):
                connection.rollback()

    def _living(self, number: int) -> Connection:
        """Return a connection; a restore that made the database anew ended those of before."""
        if self._connections[number].closed:
            self._connections[number] = self._connect()
        return self._connections[number]

    @staticmethod
    def _action(connection: Connection, operation: str) -> Callable[[], object]:
        match operation:
            case "commit":
                return connection.commit
            case "rollback":
                return connection.rollback
            case _:
                return lambda: connection.execute(SQL[operation])

    def _restore(self, step: NextTest) -> None:
        assert self._opened is not None
        for number, connection in enumerate(self._connections):
            if number != step.during:
                self._end(connection.rollback)
        if step.during is not None:
            # A busy machine may take longer to commit than a restore waits.
            with patch.object(administration, "LOCK_PATIENCE", 60), ThreadPoolExecutor(1) as thread:
                writer = thread.submit(self._end, self._connections[step.during].commit)
                self._opened.database.restore()
                writer.result()
        self._opened.database.restore()
        assert not differences(self._before, self._opened.dump())
        assert not self._opened.database.dirty()

    @staticmethod
    def _end(end: Callable[[], None]) -> None:
        with suppress(psycopg.Error):
            end()


def differences(before: Dump, after: Dump) -> dict[str, tuple[list[str], list[str]]]:
    """Return what is missing and what is new, by table."""
    return {
        name: (
            [line for line in before.get(name, []) if line not in after.get(name, [])],
            [line for line in after.get(name, []) if line not in before.get(name, [])],
        )
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }
