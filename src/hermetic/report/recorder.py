"""Remember what is told in events, as far as the reports of a run say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hermetic.events import Kind, listen, unlisten
from hermetic.events.database import DatabaseUsed, EngineResolved, LockWaited
from hermetic.events.lifecycle import (
    Breach,
    ContentsFound,
    DatabaseKept,
    DatabaseNamed,
    DriversUnseen,
    FileNamedLate,
    Noted,
    OverrideLeft,
    ServerUsed,
    TaskLeft,
    UsedInSetUp,
)
from hermetic.report.facts import ProcessFacts, TestFacts
from hermetic.settings import Mode


class Recorder:
    """Listens from ``start`` to ``stop``.

    Args:
        mode: With ``observe``, which changes nothing, the engines that were used are remembered, too.

    Attributes:
        process: What was told of this process so far.
    """

    def __init__(self, mode: Mode) -> None:
        self.process = ProcessFacts()
        self._mode = mode
        self._test = TestFacts()
        self._engines: set[tuple[object, ...]] = set()
        self._hearing: dict[Kind, Callable[[Any], None]] = {
            Breach: lambda event: self._test.breaches.append([event.guard, event.message]),
            ContentsFound: self._on_contents,
            DatabaseKept: lambda event: self._test.kept.append(event.message),
            DatabaseNamed: self._on_named,
            DatabaseUsed: self._on_database,
            DriversUnseen: lambda event: self.process.drivers.extend(event.drivers),
            EngineResolved: self._on_engine,
            FileNamedLate: self._on_late_name,
            LockWaited: lambda event: self._test.lock_waits.append(event.message),
            Noted: self._on_note,
            OverrideLeft: lambda event: self._test.overrides.append(event.dependency),
            ServerUsed: self._on_server,
            TaskLeft: lambda event: self._test.tasks.append(str(event)),
            UsedInSetUp: self._on_use_in_set_up,
        }

    def start(self) -> None:
        """Listen."""
        listen(self._hear, *self._hearing)

    def stop(self) -> None:
        """Listen no more."""
        unlisten(self._hear)

    def take_test(self) -> TestFacts:
        """Return what was told of the test at hand since this was last asked."""
        taken, self._test = self._test, TestFacts()
        return taken

    def _hear(self, event: Any) -> None:
        self._hearing[type(event)](event)

    def _on_engine(self, event: EngineResolved) -> None:
        made_at = "" if event.location is None else str(event.location)
        if self._mode == "observe":
            is_contained = event.outcome == "contained"
            engine = (event.url, made_at, event.destination, is_contained, event.given)
            if engine not in self._engines:
                self._engines.add(engine)
                self.process.engines.append(list(engine))
        elif event.outcome == "left alone" and event.is_in_memory:
            self.process.left_alone[made_at] = event.why

    def _on_database(self, event: DatabaseUsed) -> None:
        self.process.note_database(event.address, is_written=event.is_written)

    def _on_named(self, event: DatabaseNamed) -> None:
        self.process.named.append([event.backend, event.name])

    def _on_contents(self, event: ContentsFound) -> None:
        self.process.contents = list(event.descriptions)

    def _on_late_name(self, event: FileNamedLate) -> None:
        self.process.earlier.setdefault(event.file, str(event.location))

    def _on_server(self, event: ServerUsed) -> None:
        self.process.server.extend(event.lines)

    def _on_note(self, event: Noted) -> None:
        if event.line not in self.process.notes:
            self.process.notes.append(event.line)

    def _on_use_in_set_up(self, event: UsedInSetUp) -> None:
        self._test.used_in_set_up.append(
            f"{event.owner.name} used a database while {event.fixture.name} was set up"
        )
