"""What a value can come from, as ``dataflow`` finds it.

A text, a variable of the environment, or an object of the project: a class, what it makes, a function, a dictionary.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from hermetic.source.bindings import Binding, Bindings, Function
from hermetic.source.environ import Reading, Variable
from hermetic.source.symbols import Reference, Symbols

Role = Literal["whole", "scheme", "part"]
PARTS = frozenset(
    {
        "host",
        "hostname",
        "server",
        "port",
        "user",
        "username",
        "password",
        "passwd",
        "pwd",
        "database",
        "dbname",
        "db",
    }
    | {"path", "query", "name", "schema", "fallback_host", "fallback_port", "ssl", "sslmode"}
)
"""Names of arguments and keys that are a part of a database's address."""
SCHEMES = frozenset({"drivername", "scheme"})
HOLE = "\0"
"""Stands in a text for what is not known."""


@dataclass(frozen=True)
class Frame:
    """A call that is being looked into: where it is written, and for a method what it is called on."""

    function: Function
    call: ast.Call
    file: Path
    instance: Instance | None = None


Frames = tuple[Frame, ...]


@dataclass(frozen=True)
class Expression:
    """An expression, and the calls through which its function is entered."""

    file: Path
    node: ast.AST
    frames: Frames = ()


@dataclass(frozen=True)
class Text:
    """A constant, or a text with holes.

    Attributes:
        value: The constant.
        role: Whether it is the whole address, its scheme, or another part.
        is_default: Whether a variable's value goes before it.
        is_exact: Whether it is the value itself, and not only something that the value is made of.
    """

    value: object
    role: Role = "whole"
    is_default: bool = False
    is_exact: bool = True


@dataclass(frozen=True)
class Read:
    """A variable of the environment; attributes as ``Text`` has them."""

    variable: Variable
    role: Role = "whole"
    is_exact: bool = True


@dataclass(frozen=True)
class Instance:
    """A class of the project, or what it makes.

    Attributes:
        file: The file.
        definition: The class.
        is_made: Whether it is not the class itself.
        is_promised: Whether only an annotation says so.
    """

    file: Path
    definition: ast.ClassDef
    is_made: bool = True
    is_promised: bool = False


@dataclass(frozen=True)
class Callee:
    """A function of the project; for a method, with what it is called on."""

    file: Path
    function: Function
    instance: Instance | None = None


@dataclass(frozen=True)
class Structure:
    """A dictionary, list or tuple."""

    place: Expression


Origin = Text | Read | Instance | Callee | Structure


def as_role(values: Iterable[Text | Read], role: Role) -> Iterator[Text | Read]:
    """Yield values as a part of an address."""
    for value in values:
        yield replace(value, role=role) if value.role == "whole" else value


def as_default(origins: Iterable[Origin]) -> Iterator[Origin]:
    """Yield origins, the texts among them as defaults."""
    for origin in origins:
        yield replace(origin, is_default=True) if isinstance(origin, Text) else origin


def as_ingredient(origins: Iterable[Origin]) -> Iterator[Origin]:
    """Yield origins as something that the value is only made of."""
    for origin in origins:
        yield replace(origin, is_exact=False) if isinstance(origin, Text | Read) else origin


def role_of(name: str | None) -> Role:
    """Return what an argument or a key of that name is of an address."""
    if name in SCHEMES:
        return "scheme"
    return "part" if name in PARTS else "whole"


def role_in_text(before: str, after: str) -> Role:
    """Return what a hole of ``f"{a}+{b}://{c}"`` is of an address."""
    if before.endswith("+") or (not before and after.startswith((":", "+"))):
        return "scheme"
    return "part" if before.strip(HOLE) or before else "whole"


class Follows(Protocol):
    """What ``dataflow`` is asked by those that it asks: for calls, attributes, entries and conditions.

    Attributes:
        bindings: The application's names and calls.
        symbols: The project's names.
    """

    bindings: Bindings
    symbols: Symbols

    def origins(self, place: Expression) -> tuple[Origin, ...]:
        """Return what an expression's value can come from."""

    def flattened(self, origins: Iterable[Origin]) -> Iterator[Text | Read]:
        """Yield the texts and variables among origins, those within dictionaries included."""

    def bound(self, file: Path, bindings: Iterable[Binding], frames: Frames) -> Iterator[Origin]:
        """Yield the origins of what a name is bound to."""

    def only_value(self, place: Expression) -> Expression | None:
        """Return the expression that a name is bound to, where there is one alone."""

    def reference(self, reference: Reference | None) -> Iterator[Origin]:
        """Yield the origins of a name at the top level of one of the project's files."""

    def read(self, found: Reading, place: Expression) -> Iterator[Origin]:
        """Yield a variable that is read, then its default."""

    def is_local(self, place: Expression, node: ast.expr) -> bool:
        """Whether a name, or what an attribute is of, is bound in a function or a class around it."""
