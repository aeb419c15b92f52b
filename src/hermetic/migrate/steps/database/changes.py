"""What is to be changed in a file of a suite."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field

from hermetic.migrate.imports import Wanted
from hermetic.source.fixtures import Function


@dataclass
class Changes:
    """What is to be changed in one file.

    Attributes:
        gone: The statements that go, fixtures among them.
        unwrapped: The ``with`` and ``try`` whose body stands without them.
        items: Those items of ``with`` that go.
        entries: The entries of dictionaries that go, by their keys.
        replaced: What stands in the place of an expression.
        appended: What stands behind one.
        fixtures: What stands in the place of a statement: a fixture of the name that it bound.
        parameters: The fixtures that a function asks for besides.
        imports: What is to be imported.
    """

    gone: set[ast.stmt] = field(default_factory=set)
    unwrapped: set[ast.stmt] = field(default_factory=set)
    items: set[ast.withitem] = field(default_factory=set)
    entries: dict[ast.Dict, set[ast.expr]] = field(default_factory=lambda: defaultdict(set))
    replaced: dict[ast.expr, str] = field(default_factory=dict)
    appended: dict[ast.expr, str] = field(default_factory=dict)
    fixtures: dict[ast.stmt, str] = field(default_factory=dict)
    parameters: dict[Function, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    imports: dict[Wanted, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(
            self.gone
            or self.unwrapped
            or self.items
            or self.entries
            or self.replaced
            or self.fixtures
            or self.appended
        )
