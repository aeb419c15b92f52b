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
from typing import Any

from hermetic.events.application import (
    LifespanBegan,
    LifespanEnded,
    LifespanStarted,
    OverrideUnused,
    RequestBegan,
    RequestEnded,
    StartUpBegan,
    TaskEnded,
    TaskFound,
    WebsocketBegan,
    WebsocketEnded,
)
from hermetic.events.database import (
    ChangedInPlace,
    CheckedIn,
    CheckedOut,
    ConnectionOpened,
    DatabaseMade,
    DatabaseUsed,
    EngineResolved,
    HandedOver,
    LockWaited,
    LoopEndedUnder,
    PoolExhausted,
    ReferenceBroken,
    Restored,
    SessionEnded,
    Statement,
    TransactionBegan,
    TransactionEnded,
)
from hermetic.events.lifecycle import (
    ApplicationImported,
    Breach,
    CallRaised,
    ContentsFound,
    DatabaseKept,
    DatabaseNamed,
    DriversUnseen,
    FileNamedLate,
    FillingBegan,
    FillingEnded,
    LayerBegan,
    LayerEnded,
    Noted,
    OverrideLeft,
    ServerUsed,
    TaskLeft,
    TestBegan,
    TestEnded,
    UsedInSetUp,
)

Event = (
    TestBegan
    | CallRaised
    | TestEnded
    | LayerBegan
    | LayerEnded
    | ApplicationImported
    | EngineResolved
    | ConnectionOpened
    | CheckedOut
    | LoopEndedUnder
    | PoolExhausted
    | HandedOver
    | CheckedIn
    | TransactionBegan
    | TransactionEnded
    | Statement
    | SessionEnded
    | ChangedInPlace
    | ReferenceBroken
    | LockWaited
    | Restored
    | DatabaseMade
    | DatabaseUsed
    | RequestBegan
    | RequestEnded
    | OverrideUnused
    | WebsocketBegan
    | WebsocketEnded
    | LifespanBegan
    | LifespanStarted
    | StartUpBegan
    | LifespanEnded
    | TaskFound
    | TaskEnded
    | Breach
    | OverrideLeft
    | TaskLeft
    | UsedInSetUp
    | DatabaseKept
    | ContentsFound
    | FillingBegan
    | FillingEnded
    | DatabaseNamed
    | DriversUnseen
    | FileNamedLate
    | ServerUsed
    | Noted
)
Kind = type[Event]
Listener = Callable[[Any], None]


class _InTurn(list[Listener]):
    """Several who listen to one kind, told one after the other."""

    __slots__ = ()

    def __call__(self, event: Event) -> None:
        for listener in self:
            listener(event)


listeners: dict[Kind, Listener] = {}
"""Who is told, by kind: the one who listens, or all of them in turn; a kind to which nobody listens is not in it.

Where tests spend their time, ``tell = listeners.get(Statement)`` is asked, and ``tell`` called, in place of ``emit``.
"""

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
    tell = listeners.get(type(event))
    if tell is not None:
        tell(event)


def listen(listener: Listener, *kinds: Kind) -> None:
    """Have somebody told of these kinds of events, until ``unlisten``."""
    are_new = not listeners.keys() >= {*kinds}
    for kind in kinds:
        present = _told_of(kind)
        listeners[kind] = _InTurn([*present, listener]) if present else listener
    if are_new:
        _refresh()


def unlisten(listener: Listener) -> None:
    """Have somebody told of nothing any more."""
    known = len(listeners)
    for kind in [kind for kind in list(listeners) if listener in _told_of(kind)]:
        left = [each for each in _told_of(kind) if each != listener]
        if left:
            listeners[kind] = left[0] if len(left) == 1 else _InTurn(left)
        else:
            del listeners[kind]
    if len(listeners) < known:
        _refresh()


def _told_of(kind: Kind) -> list[Listener]:
    told = listeners.get(kind)
    if told is None:
        return []
    return told if isinstance(told, _InTurn) else [told]


def _refresh() -> None:
    for source in _sources[:]:
        source.refresh()
