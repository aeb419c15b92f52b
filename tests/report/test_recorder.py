"""What the recorder remembers of events: what belongs to a test until it is reported, and what to the process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hermetic.code import Location
from hermetic.events import emit, listeners
from hermetic.events.database import DatabaseUsed, EngineResolved, LockWaited
from hermetic.events.lifecycle import (
    Breach,
    ContentsFound,
    DatabaseKept,
    DatabaseNamed,
    FileNamedLate,
    Noted,
    OverrideLeft,
    ServerUsed,
    TaskLeft,
    UsedInSetUp,
)
from hermetic.owners import Owner
from hermetic.report.facts import ProcessFacts, TestFacts
from hermetic.report.recorder import Recorder
from hermetic.settings import Mode

TEST = Owner("test_it", "test", "function")
FIXTURE = Owner("fixture 'rows'", "fixture", "module")
HERE = Location("a.py", 3, "f")
CONTAINED = EngineResolved(TEST, HERE, "sqlite:///a.db", "'x'", "contained")
ALONE = EngineResolved(
    TEST, HERE, "sqlite://", "left alone: it is the test's own", "left alone", "its own", True
)
OLD = EngineResolved(None, None, "sqlite:///b.db", "left alone: temporary", "left alone", "temporary")


@pytest.fixture(params=["on", "observe"])
def mode(request: Any) -> Mode:
    """Both modes."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def recorder(mode: Mode) -> Iterator[Recorder]:
    """One that listens."""
    made = Recorder(mode)
    made.start()
    yield made
    made.stop()


def test_what_a_test_left(recorder: Recorder) -> None:
    """All of it until it is asked for, and then nothing."""
    emit(Breach("leaks", TEST, HERE, "test_it left one"))
    emit(OverrideLeft(TEST, "get_db"))
    emit(TaskLeft(TEST, "poll", "a.py:3"))
    emit(LockWaited(TEST, HERE, TEST, HERE, 1.5, "your test holds"))
    emit(UsedInSetUp(TEST, FIXTURE))
    emit(DatabaseKept(TEST, "kept as x"))
    assert recorder.take_test() == TestFacts(
        breaches=[["leaks", "test_it left one"]],
        overrides=["get_db"],
        tasks=["test_it started the task `poll`, which was still running at a.py:3"],
        lock_waits=["your test holds"],
        used_in_set_up=["test_it used a database while fixture 'rows' was set up"],
        kept=["kept as x"],
    )
    assert recorder.take_test() == TestFacts()


def test_what_is_so_of_the_process(recorder: Recorder) -> None:
    """Each once."""
    for _ in range(2):
        emit(Noted("schema: none"))
        emit(ContentsFound(("app.db:Base.metadata",)))
    emit(DatabaseUsed("sqlite:///a.db", False))
    emit(DatabaseUsed("sqlite:///a.db", True))
    emit(DatabaseUsed("sqlite:///a.db", False))
    emit(DatabaseNamed("sqlite", "a.db"))
    emit(ServerUsed(("postgresql: embedded",)))
    emit(FileNamedLate(TEST, HERE, "a.db"))
    emit(FileNamedLate(TEST, Location("b.py", 1, "f"), "a.db"))
    assert recorder.process == ProcessFacts(
        earlier={"a.db": "a.py:3"},
        databases={"sqlite:///a.db": True},
        named=[["sqlite", "a.db"]],
        contents=["app.db:Base.metadata"],
        server=["postgresql: embedded"],
        notes=["schema: none"],
    )


def test_engines(recorder: Recorder, mode: Mode) -> None:
    """In mode observe each once, where it would go; else those in memory that are left alone, by their line."""
    for event in (CONTAINED, CONTAINED, ALONE, OLD):
        emit(event)
    if mode == "on":
        assert recorder.process == ProcessFacts(left_alone={"a.py:3": "its own"})
    else:
        assert recorder.process.engines == [
            ["sqlite:///a.db", "a.py:3", "'x'", True, ""],
            ["sqlite://", "a.py:3", "left alone: it is the test's own", False, ""],
            ["sqlite:///b.db", "", "left alone: temporary", False, ""],
        ]


def test_it_stops() -> None:
    """Nobody listens then."""
    recorder, before = Recorder("on"), dict(listeners)
    recorder.start()
    assert listeners != before
    recorder.stop()
    assert listeners == before
