"""The run, its tests and their fixtures: what begins, ends, and is left."""

from __future__ import annotations

from typing import NamedTuple

from hermetic.code import Location
from hermetic.owners import Owner


class TestBegan(NamedTuple):
    """A test begins: its baseline is there, its fixtures are not."""

    owner: Owner


class CallRaised(NamedTuple):
    """The call of a test has raised; nothing that it left was ended yet. Told twice where several see it."""

    owner: Owner


class TestEnded(NamedTuple):
    """A test and its own fixtures are over, and what it left was undone; wider fixtures may be about to end."""

    owner: Owner


class LayerBegan(NamedTuple):
    """The set-up of a wider fixture is over: from now on what it wrote is part of the baseline.

    Attributes:
        owner: The fixture, or a lifespan of a wider scope.
        databases: Those that it wrote to.
    """

    owner: Owner
    databases: tuple[str, ...]


class LayerEnded(NamedTuple):
    """A wider fixture is over, and what it wrote is no part of the baseline any more."""

    owner: Owner


class ApplicationImported(NamedTuple):
    """What ``hermetic_app`` names was imported.

    Attributes:
        path: As the setting has it.
        seconds: What that took.
    """

    path: str
    seconds: float


class Breach(NamedTuple):
    """A guard has found that a test did, or left, what it should not have.

    Attributes:
        guard: The guard's name in ``settings.GUARDS``.
        owner: Who did it.
        location: The user's line that did.
        message: What the test is told; the first line says who did what.
    """

    guard: str
    owner: Owner
    location: Location
    message: str


class OverrideLeft(NamedTuple):
    """A test left a dependency overridden.

    Attributes:
        owner: The test.
        dependency: The name of what is overridden.
    """

    owner: Owner
    dependency: str


class TaskLeft(NamedTuple):
    """A test left a task running that had to be cancelled, or would be in mode ``on``.

    Attributes:
        owner: Who started it.
        name: The coroutine's.
        place: Where it waited, ``file:line``.
    """

    owner: Owner
    name: str
    place: str

    def __str__(self) -> str:
        return f"{self.owner.name} started the task `{self.name}`, which was still running at {self.place}"


class UsedInSetUp(NamedTuple):
    """Somebody who could not be kept from it used a database while a wide fixture was set up.

    Attributes:
        owner: Who.
        fixture: The fixture.
    """

    owner: Owner
    fixture: Owner


class DatabaseKept(NamedTuple):
    """The databases of a failed test were kept, or could not be.

    Attributes:
        owner: The test.
        message: Under which names, and how to reach them.
    """

    owner: Owner
    message: str


class ContentsFound(NamedTuple):
    """What fills the application's databases.

    Attributes:
        descriptions: Each of what was run, in order.
    """

    descriptions: tuple[str, ...]


class FillingBegan(NamedTuple):
    """The tables and first rows of a database are about to be made: the statements that follow are nobody's.

    Attributes:
        database: Its name.
    """

    database: str


class FillingEnded(NamedTuple):
    """They were made, or could not be.

    Attributes:
        database: Its name.
    """

    database: str


class DatabaseNamed(NamedTuple):
    """An engine of the application's is for a database.

    Attributes:
        backend: Its kind.
        name: Its name, or its file.
    """

    backend: str
    name: str


class FileNamedLate(NamedTuple):
    """An engine named a file that was opened by a driver before: the engine's database began as a copy of it.

    Attributes:
        owner: Who opened it first.
        location: The user's line that did.
        file: The file.
    """

    owner: Owner
    location: Location
    file: str


class ServerUsed(NamedTuple):
    """A database server was used.

    Attributes:
        lines: What there is to say of it.
    """

    lines: tuple[str, ...]


class DriversUnseen(NamedTuple):
    """What drivers open themselves, past an engine, is not looked at in mode ``observe``.

    Attributes:
        drivers: Those that were imported and that no engine uses.
    """

    drivers: tuple[str, ...]


class Noted(NamedTuple):
    """Something that the run's summary says once, however often it happened.

    Attributes:
        line: What.
    """

    line: str
