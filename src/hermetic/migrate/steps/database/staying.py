"""What of a suite's recipes stays, and why."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

from hermetic.migrate.steps.database.handles import Handle, Handles


@dataclass(frozen=True)
class Reason:
    """Why a part of a recipe stays.

    Attributes:
        code: Its code.
        file: Where it lies.
        line: The line.
        text: What stands there.
        roots: The calls that make what it is about; none for a statement alone.
    """

    code: str
    file: Path
    line: int
    text: str
    roots: frozenset[ast.expr] = frozenset()


@dataclass
class Staying:
    """Knows what stays.

    Args:
        handles: What expressions stand for.

    Attributes:
        blocked: The engines and connections of the suite that stay.
        closed: The files in which nothing of a recipe goes.
        shut: The functions that stay as they are.
        lent: The calls that make a session of which the application is given objects: it goes on having the session.
        remade: The calls that go on making an engine, on the application's database.
        held: The calls that open a connection by a block that stays: what ends it and its transactions does so, too.
        moved: The calls that make an engine at the top of a module, which becomes a fixture.
        reasons: Why a statement that belongs to a recipe was not taken for superseded.
    """

    handles: Handles
    blocked: set[ast.expr] = field(default_factory=set)
    closed: set[Path] = field(default_factory=set)
    shut: set[ast.AST] = field(default_factory=set)
    lent: set[ast.expr] = field(default_factory=set)
    remade: set[ast.expr] = field(default_factory=set)
    held: set[ast.expr] = field(default_factory=set)
    moved: set[ast.expr] = field(default_factory=set)
    reasons: dict[ast.AST, Reason] = field(default_factory=dict)

    def is_blocked(self, file: Path, node: ast.AST) -> bool:
        """Whether a node has to do with an engine or a connection that stays."""
        return bool(self.blocked) and any(
            self.blocked & handle.roots
            for inner in ast.walk(node)
            if isinstance(inner, ast.Name | ast.Attribute | ast.Call)
            for handle in [self.handles.of(file, inner)]
            if handle is not None
        )

    def is_shut(self, file: Path, node: ast.AST) -> bool:
        """Whether a node is, or stands in, a function that stays as it is."""
        return bool(self.shut) and any(
            each in self.shut for each in (node, *self.handles.bindings.around(file, node))
        )

    def is_held(self, handle: Handle) -> bool:
        """Whether what something lies on is opened by a block that stays."""
        return handle.connection is not None and handle.connection.node in self.held

    def note(
        self, code: str, file: Path, node: ast.AST, text: str, roots: frozenset[ast.expr] = frozenset()
    ) -> None:
        """Note why a statement of a recipe stays; the engines and connections that it is about stay, too."""
        self.reasons[node] = Reason(code, file, node.lineno, text, roots)  # type: ignore[attr-defined]
