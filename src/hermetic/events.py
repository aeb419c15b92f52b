"""What happens in a run, told to whoever listens: small immutable values, and one ``emit``.

All that a run says of itself, its summary and the sections under a failed test included, is made of these. Nothing is
stored here and nothing is read or written: whoever wants to remember decides how much.

* Off costs nothing. A call site asks ``if Restored in listeners:`` before it builds an event, which takes 30 ns; what
  has to hook into a library to know something (statements, transactions) does so only while somebody listens.
* An event keeps nothing alive. It holds strings, numbers, a place and an owner, never a connection, a session, an
  exception, an application or what a request carried: the leak guard waits for those to be collected.
* An event is bounded. Texts are cut to ``TEXT`` characters where they are made, an answer that is an error to ``BODY``;
  parameters are told without what is secret.
* It is told when it happens, in the thread where it happens. A listener that wants the moment looks at the clock; it
  must be quick, must not raise, and may be called by several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hermetic.code import Location
from hermetic.owners import Owner

TEXT = 2_000
"""Characters of a statement at the most."""

OBJECTS = 1_000
"""How many objects of a Session are told of at the most."""

BODY = 16_000
"""Characters of the body of an answer that is an error at the most."""

# -- the run and its tests


class TestBegan(NamedTuple):
    """A test begins: its baseline is there, its fixtures are not."""

    owner: Owner


class CallRaised(NamedTuple):
    """The call of a test has raised; nothing that it left was ended yet. Told twice where several see it."""

    owner: Owner


class TestEnded(NamedTuple):
    """A test and its own fixtures are over, and what it left was undone; wider fixtures may be about to end."""

    owner: Owner


class LoopEntered(NamedTuple):
    """A test, or a fixture that anyio runs, begins to run in an event loop.

    Attributes:
        owner: The test, or the fixture.
        loop: A number that tells the loop from the others that are open.
    """

    owner: Owner
    loop: int


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


# -- databases


class EngineResolved(NamedTuple):
    """It was decided where the connections of an engine go: at its first use.

    Attributes:
        owner: Who made it; None where it is older than the run.
        location: The user's line that made it; None where that is not known.
        url: Its URL, password masked.
        destination: Where its connections go, in words.
        outcome: ``"contained"``, ``"itself"`` (where its URL says), ``"left alone"`` or ``"refused"``.
        why: Why it is left alone; else empty.
        is_in_memory: Whether its URL is for a database in memory.
        given: The variable of ``hermetic_env`` that would give it another URL in mode ``on``; else empty.
        engine: A number that tells it from the others that there are.
    """

    owner: Owner | None
    location: Location | None
    url: str
    destination: str
    outcome: str
    why: str = ""
    is_in_memory: bool = False
    given: str = ""
    engine: int = 0


class ConnectionOpened(NamedTuple):
    """A pool has opened a connection.

    Attributes:
        owner: Who asked for it.
        location: The user's line that did.
        connection: A number that tells it from the others that are open.
        loop: The same of the event loop; 0 outside any.
    """

    owner: Owner
    location: Location
    connection: int
    loop: int


class CheckedOut(NamedTuple):
    """A connection was taken from its pool.

    Attributes:
        owner: Who took it.
        location: The user's line that did.
        engine: The engine's URL, password masked.
        connection: A number that tells it from the others that are open.
        loop: The same of the event loop; 0 outside any.
        made_at: The user's line that made the engine; None where that is not known.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int
    loop: int
    made_at: Location | None = None


class LoopEndedUnder(NamedTuple):
    """An event loop ended while somebody still had one of its connections, which was closed for that.

    Attributes:
        connection: As in ``CheckedOut``.
        handle: What tells from others what the pool had handed out for it.
    """

    connection: int
    handle: int


class HandedOver(NamedTuple):
    """A connection that was just taken turned out to be a Session's, and so its owner's.

    Attributes:
        owner: Whose it is now.
        connection: As in ``CheckedOut``.
    """

    owner: Owner
    connection: int


class CheckedIn(NamedTuple):
    """A connection went back to its pool, or was closed.

    Attributes:
        owner: Whose it was.
        location: The user's line that took it.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int


class TransactionBegan(NamedTuple):
    """SQLAlchemy begins a transaction.

    Attributes:
        owner: Who does so.
        location: The user's line.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int


class TransactionEnded(NamedTuple):
    """SQLAlchemy ends a transaction.

    Attributes:
        owner: Who does so.
        location: The user's line.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
        how: ``"commit"`` or ``"rollback"``.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int
    how: str


class Statement(NamedTuple):
    """SQLAlchemy has executed a statement, or failed to.

    Attributes:
        owner: Who executed it.
        location: The user's line.
        engine: The engine's URL, password masked.
        connection: As in ``CheckedOut``.
        text: The SQL.
        parameters: Its parameters as text, of many rows the first one: the value where the column is known, and the
            setting ``hermetic_parameters`` says so, else the type; never what is secret.
        rows: How many it affected or, as far as the driver knows, found; -1 where nobody knows.
        seconds: What it took.
        error: The name of the error's class where it failed; else empty.
        message: What the driver said then, as it is: whoever shows it masks it.
    """

    owner: Owner
    location: Location
    engine: str
    connection: int
    text: str
    parameters: str
    rows: int
    seconds: float
    error: str = ""
    message: str = ""


class SessionEnded(NamedTuple):
    """A Session has ended a transaction, or was closed while it held objects.

    Attributes:
        owner: Whose the Session is.
        made_at: The user's line that made it.
        location: The user's line that ended it.
        session: The number by which SQLAlchemy tells it from others.
        how: ``"commit"``, ``"rollback"`` or ``"close"``.
        is_expiring: Whether what it holds has to be read again now.
        objects: What tells the objects apart that it held when it was closed, the first ``OBJECTS`` of them.
    """

    owner: Owner
    made_at: Location
    location: Location
    session: int
    how: str
    is_expiring: bool
    objects: tuple[int, ...] = ()


class LockWaited(NamedTuple):
    """A request waited for a lock of its own test, which waits for the request, and did not get it.

    Attributes:
        owner: The request.
        location: Its line that took the connection.
        holder: The test, or its fixture.
        held_at: Its line.
        seconds: For how long.
        message: What the request was told.
    """

    owner: Owner
    location: Location
    holder: Owner
    held_at: Location
    seconds: float
    message: str


class Restored(NamedTuple):
    """A database was looked at, and put back to its baseline where it differed.

    Attributes:
        database: Its name.
        is_changed: Whether there was anything to put back.
        seconds: What that took.
    """

    database: str
    is_changed: bool
    seconds: float


class DatabaseUsed(NamedTuple):
    """A database of the application's was used.

    Attributes:
        address: Its URL, password masked.
        is_written: Whether somebody wrote to it.
    """

    address: str
    is_written: bool


# -- what the application does


class RequestBegan(NamedTuple):
    """An application is called for a request.

    Attributes:
        owner: The request, whose parent sent it.
        method: The method.
        path: The path, without the query string.
    """

    owner: Owner
    method: str
    path: str


class RequestEnded(NamedTuple):
    """An application has ended the call for a request, background tasks of the response included.

    Attributes:
        owner: The request.
        method: The method.
        path: The path, without the query string.
        status: The status of the response; 0 where there was none.
        seconds: What it took.
        error: The name of the class of what the application raised; else empty.
        query: The query string, as it is: whoever shows it masks it.
        body: The text of a response that is an error (4xx, 5xx), as it is; of others, and where it is no text, empty.
    """

    owner: Owner
    method: str
    path: str
    status: int
    seconds: float
    error: str
    query: str = ""
    body: str = ""


class WebsocketBegan(NamedTuple):
    """An application is called for a websocket."""

    owner: Owner
    path: str


class WebsocketEnded(NamedTuple):
    """An application has ended the call for a websocket.

    Attributes:
        owner: The websocket, whose kind is ``"request"``.
        path: The path, without the query string.
        code: The code with which the application closed it; 0 where it did not.
        seconds: What it took.
        error: The name of the class of what the application raised; else empty.
    """

    owner: Owner
    path: str
    code: int
    seconds: float
    error: str


class LifespanBegan(NamedTuple):
    """An application is called for its lifespan."""

    owner: Owner


class LifespanStarted(NamedTuple):
    """An application's start-up is over.

    Attributes:
        owner: The lifespan.
        seconds: What it took.
    """

    owner: Owner
    seconds: float


class LifespanEnded(NamedTuple):
    """An application's lifespan is over.

    Attributes:
        owner: The lifespan.
        error: The name of the class of what the application raised; else empty.
    """

    owner: Owner
    error: str


class TaskFound(NamedTuple):
    """A task was still running when the test, or the call, that started it was over: it gets time to end.

    Attributes:
        owner: Who started it.
        name: The coroutine's.
        place: Where it waits, ``file:line``.
    """

    owner: Owner
    name: str
    place: str


class TaskEnded(NamedTuple):
    """A task that was found running has ended.

    Attributes:
        owner: Who started it.
        name: The coroutine's.
        is_cancelled: Whether it had to be cancelled.
    """

    owner: Owner
    name: str
    is_cancelled: bool


# -- what a test left


class Leaked(NamedTuple):
    """A test left a connection open.

    Attributes:
        owner: Whose it was.
        location: The user's line that opened it.
        message: What the test is told.
    """

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


# -- what is said of the run as a whole


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


class Noted(NamedTuple):
    """Something that the run's summary says once, however often it happened.

    Attributes:
        line: What.
    """

    line: str


Event = (
    TestBegan
    | CallRaised
    | TestEnded
    | LoopEntered
    | LayerBegan
    | LayerEnded
    | ApplicationImported
    | EngineResolved
    | ConnectionOpened
    | CheckedOut
    | LoopEndedUnder
    | HandedOver
    | CheckedIn
    | TransactionBegan
    | TransactionEnded
    | Statement
    | SessionEnded
    | LockWaited
    | Restored
    | DatabaseUsed
    | RequestBegan
    | RequestEnded
    | WebsocketBegan
    | WebsocketEnded
    | LifespanBegan
    | LifespanStarted
    | LifespanEnded
    | TaskFound
    | TaskEnded
    | Leaked
    | OverrideLeft
    | TaskLeft
    | UsedInSetUp
    | DatabaseKept
    | ContentsFound
    | FillingBegan
    | FillingEnded
    | DatabaseNamed
    | FileNamedLate
    | ServerUsed
    | Noted
)
Kind = type[Event]
Listener = Callable[[Any], None]

listeners: dict[Kind, tuple[Listener, ...]] = {}
"""Who listens, by kind; a kind to which nobody listens is not in it."""

_sources: list[Source] = []


class Source:
    """Something that has to be hooked up to know of events, and is as long as somebody listens.

    Args:
        kinds: Which events it knows of.
        start: Called when the first listener to any of them comes.
        stop: Called when the last one has gone.

    Attributes:
        is_on: Whether somebody listens to any of them.
    """

    def __init__(
        self,
        kinds: tuple[Kind, ...],
        start: Callable[[], None] = lambda: None,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        self.is_on = False
        self._kinds = kinds
        self._start = start
        self._stop = stop

    def open(self) -> None:
        """Be hooked up from now on while somebody listens."""
        _sources.append(self)
        self.refresh()

    def close(self) -> None:
        """Never be hooked up again."""
        _sources.remove(self)
        self._turn(on=False)

    def refresh(self) -> None:
        """Be hooked up if somebody listens now, else not."""
        self._turn(on=any(kind in listeners for kind in self._kinds))

    def _turn(self, *, on: bool) -> None:
        if on is not self.is_on:
            self.is_on = on
            (self._start if on else self._stop)()


def emit(event: Event) -> None:
    """Tell those who listen to this kind of event."""
    for listener in listeners.get(type(event), ()):
        listener(event)


def listen(listener: Listener, *kinds: Kind) -> None:
    """Have somebody told of these kinds of events, until ``unlisten``."""
    for kind in kinds:
        listeners[kind] = (*listeners.get(kind, ()), listener)
    _refresh()


def unlisten(listener: Listener) -> None:
    """Have somebody told of nothing any more."""
    for kind, present in list(listeners.items()):
        left = tuple(each for each in present if each != listener)
        if left:
            listeners[kind] = left
        else:
            del listeners[kind]
    _refresh()


def _refresh() -> None:
    for source in _sources[:]:
        source.refresh()
