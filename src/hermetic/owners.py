"""Who a connection, a session, a task, an override or an environment change belongs to.

Only what a test itself made is undone, ended or reported when it ends; what a living wider fixture, the lifespan or the
process made stays. The owner travels in a context variable: tasks, greenlets, ``anyio`` threads and portals
copy it from whoever started them, so a poller that a lifespan started stays the lifespan's, however many tests
run meanwhile. A bare ``threading.Thread`` has no context of its own; there whoever started it counts, if that outlives
a test, else the owner that the pytest hooks set last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

Kind = Literal["process", "lifespan", "fixture", "test", "request"]
Scope = Literal["function", "class", "module", "package", "session", "process"]


@dataclass(eq=False)
class Owner:
    """Someone who makes things: the process, a lifespan, a fixture of some scope, a test, or a request.

    Attributes:
        name: What a report calls it: a node id, ``fixture 'catalogue' (module scope)``, ``request POST /api/users``.
        kind: What it is.
        scope: How long it lives; a test, its function-scoped fixtures and its requests have ``"function"``.
        parent: Who started it; a request's parent is the test (or fixture) that sent it.
        alive: False once its teardown is over.
        accountable: False for our own fixtures: we close what they hand out, so that it is nobody's leak.
        function: Of a test or a fixture, what runs; None of all else.
        loop: The number of the event loop in which a test, or a fixture that anyio runs, has begun to run; else None.
    """

    name: str
    kind: Kind
    scope: Scope
    parent: Owner | None = field(default=None, repr=False)
    alive: bool = True
    accountable: bool = True
    function: Callable[..., Any] | None = field(default=None, repr=False)
    loop: int | None = field(default=None, repr=False)

    @property
    def is_test_level(self) -> bool:
        """Whether this ends with the test: the test, its function-scoped fixtures, and the requests of either."""
        return self.scope == "function"

    @property
    def test(self) -> Owner | None:
        """The test that this ends with; None for what outlives one."""
        here = self if self.is_test_level else None
        while here is not None and here.parent is not None and here.parent.is_test_level:
            here = here.parent
        return here

    @property
    def has_ended(self) -> bool:
        """Whether this, or whoever started it, is over."""
        here: Owner | None = self
        while here is not None and here.alive:
            here = here.parent if here.is_test_level or here.kind in ("request", "lifespan") else None
        return here is not None

    @property
    def is_of_a_call(self) -> bool:
        """Whether this is a test itself, or a request that it sent: not its fixtures', and not a lifespan's."""
        here: Owner | None = self
        while here is not None and here.kind == "request":
            here = here.parent
        return here is not None and here.kind == "test"

    def is_within(self, other: Owner) -> bool:
        """Whether this is another one, or was started by it, however indirectly."""
        here: Owner | None = self
        while here is not None and here is not other:
            here = here.parent
        return here is not None

    def belongs_to(self, owners: Sequence[Owner]) -> bool:
        """Whether this is one of these, or something of a test's that one of them started."""
        here: Owner | None = self
        while here is not None:
            if any(here is one for one in owners):
                return True
            here = here.parent if here.is_test_level else None
        return False


PROCESS = Owner("the process", "process", "process")

_current: ContextVar[Owner | None] = ContextVar("hermetic_owner", default=None)
_latest: Owner = PROCESS
_threads: WeakKeyDictionary[threading.Thread, Owner] = WeakKeyDictionary()


def current() -> Owner:
    """Return the owner of whatever is made now."""
    return _current.get() or _of_this_thread() or _latest


def sender() -> Owner:
    """Return who sends the request that is answered now; who started the thread that answers it does not count."""
    return _current.get() or _latest


def _of_this_thread() -> Owner | None:
    owner = _threads.get(threading.current_thread()) if _threads else None
    return None if owner is None or owner.has_ended else owner


def note_thread(thread: threading.Thread) -> None:
    """Have what a thread makes belong to the current owner, as long as that lives, if it outlives a test."""
    owner = current()
    if not owner.is_test_level:
        _threads[thread] = owner


def in_context(context: Context) -> Owner | None:
    """Return the owner of whatever is made in a context; None where hermetic has set none."""
    return context.get(_current)


def become(owner: Owner) -> None:
    """Make everything that this task does from now on belong to ``owner``; for tasks with a context of their own."""
    _current.set(owner)


class owned_by:  # a statement, so in small letters; as a generator it would cost four times as much in each test
    """Make everything inside the block belong to ``owner``.

    Args:
        owner: Who what is made inside belongs to.
        everywhere: Also count for threads without a context of their own. Only pytest's hooks, which run one at
            a time in the main thread, may say so.
    """

    __slots__ = ("_before", "_everywhere", "_owner", "_token")

    def __init__(self, owner: Owner, *, everywhere: bool = False) -> None:
        self._owner = owner
        self._everywhere = everywhere

    def __enter__(self) -> Owner:
        global _latest
        self._token = _current.set(self._owner)
        self._before = _latest
        if self._everywhere:
            _latest = self._owner
        return self._owner

    def __exit__(self, *raised: object) -> None:
        global _latest
        if self._everywhere:
            _latest = self._before
        try:  # noqa: SIM105 - each request comes by here
            _current.reset(self._token)
        except ValueError:
            pass  # collected unfinished, in the context of whoever collects: there it was never set
