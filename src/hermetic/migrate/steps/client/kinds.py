"""What a value of a suite can be, as far as the migration of a client cares: a client, what it opens, who makes one.

Everything else is nothing: an expression without a kind is left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.source.bindings import Function

REQUESTS = frozenset({"get", "options", "head", "post", "put", "patch", "delete", "request", "send"})
"""The methods of a client that return a response."""
OPENS = {"websocket_connect": "websocket", "stream": "stream"}
"""The methods of a client that return what is entered, and what that is."""
ENDS = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
"""The other methods of a client that are awaited, and how they are called then."""
SESSION_METHODS = frozenset(
    {
        "send",
        "send_text",
        "send_bytes",
        "send_json",
        "receive",
        "receive_text",
        "receive_bytes",
        "receive_json",
        "close",
    }
)
SESSION_ENDS = {"__enter__": "__aenter__", "__exit__": "__aexit__"}
STREAM_READS = {"read": "aread", "close": "aclose"}
STREAM_ITERATORS = {name: f"a{name}" for name in ("iter_lines", "iter_text", "iter_bytes", "iter_raw")}


@dataclass(frozen=True)
class ClientClass:
    """Starlette's ``TestClient`` itself, or a class of the project that inherits from it."""

    definition: ast.ClassDef | None = None


@dataclass(frozen=True)
class Client:
    """What that makes."""

    definition: ast.ClassDef | None = None


@dataclass(frozen=True)
class Opening:
    """What ``websocket_connect`` or ``stream`` returns: it is entered."""

    of: str


@dataclass(frozen=True)
class Opened:
    """A websocket's session, or a response that is read piece by piece."""

    of: str


@dataclass(frozen=True)
class Method:
    """A bound method whose call is awaited, or opens something.

    Attributes:
        of: Whose: ``client``, ``websocket``, ``stream``.
        name: Its name; empty where that is computed.
    """

    of: str
    name: str


@dataclass(frozen=True)
class Portal:
    """``client.portal``."""


@dataclass(frozen=True)
class Stack:
    """An ``ExitStack``, by the call that makes it.

    Attributes:
        file: Its file.
        place: Where that call stands among the nodes of the file.
    """

    file: Path
    place: int


@dataclass(frozen=True)
class Request:
    """pytest's ``request``."""


@dataclass(frozen=True)
class Other:
    """A client of another library: nothing that this step makes."""


@dataclass(frozen=True)
class Made:
    """A function of the project.

    Attributes:
        file: Its file.
        function: The function.
        owner: Its class, if it is a method that is bound.
        given: How many arguments ``partial`` has given it.
    """

    file: Path = field(compare=False)
    function: Function
    owner: ast.ClassDef | None = None
    given: int = 0


@dataclass(frozen=True)
class Produced:
    """What a generator function returns when it is called; entered where it is a context manager.

    Attributes:
        file: Its file.
        function: The function.
        is_entered: Whether it is a context manager.
    """

    file: Path = field(compare=False)
    function: Function
    is_entered: bool = False


@dataclass(frozen=True)
class Awaitable:
    """What a coroutine function returns when it is called."""

    file: Path = field(compare=False)
    function: Function


@dataclass(frozen=True)
class Object:
    """A class of the project, or what it makes."""

    file: Path = field(compare=False)
    definition: ast.ClassDef
    is_made: bool = True


@dataclass(frozen=True)
class Many:
    """A collection, by the kinds of what is in it."""

    items: frozenset[Kind]


@dataclass(frozen=True)
class Row:
    """A tuple, by the kinds at each place."""

    items: tuple[frozenset[Kind], ...]


Kind = (
    ClientClass
    | Client
    | Opening
    | Opened
    | Method
    | Portal
    | Stack
    | Request
    | Other
    | Made
    | Produced
    | Awaitable
    | Object
    | Many
    | Row
)
Kinds = frozenset[Kind]
Targets = frozenset[ast.AST | Stack]
"""Functions and stacks that may become async."""
NO_TARGETS: Targets = frozenset()
NOTHING: Kinds = frozenset()
DEEPEST = 3


def depth_of(kinds: Kinds) -> int:
    """Return how many collections lie in each other."""
    return max(
        (1 + depth_of(union(_parts(each))) for each in kinds if isinstance(each, Many | Row)), default=0
    )


def union(several: Iterable[Kinds]) -> Kinds:
    """Return the kinds that any of several values has."""
    return frozenset().union(*several)


def many(kinds: Kinds) -> Kinds:
    """Return the kinds of a collection of values."""
    return frozenset({Many(kinds)}) if kinds and depth_of(kinds) < DEEPEST else NOTHING


def row(items: Iterable[Kinds]) -> Kinds:
    """Return the kinds of a tuple."""
    found = tuple(items)
    return frozenset({Row(found)}) if any(found) and depth_of(union(found)) < DEEPEST else NOTHING


def item(kinds: Kinds) -> Kinds:
    """Return the kinds of any item of a collection."""
    return union(union(_parts(each)) for each in kinds if isinstance(each, Many | Row))


def item_at(kinds: Kinds, position: int) -> Kinds:
    """Return the kinds of an item at a place."""
    found = []
    for each in kinds:
        if isinstance(each, Row) and -len(each.items) <= position < len(each.items):
            found.append(each.items[position])
        elif isinstance(each, Many):
            found.append(each.items)
    return union(found)


def bears(kinds: Kinds) -> bool:
    """Whether a value is a client, is of one, or has one in it."""
    return any(
        isinstance(each, Client | ClientClass | Opening | Opened | Method | Portal)
        or (isinstance(each, Many | Row) and bears(item(frozenset({each}))))
        for each in kinds
    )


def _parts(kind: Many | Row) -> Iterable[Kinds]:
    return kind.items if isinstance(kind, Row) else (kind.items,)
