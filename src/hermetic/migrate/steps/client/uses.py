"""What is done with clients, and with what comes of them: each use is one that has a rewrite, or stands in the way.

No use is passed over: a client that goes where its calls cannot be followed might be called there without ``await``,
and a test that awaits nothing passes. Functions count as well: what becomes a coroutine function must be awaited
wherever it is called, so a function that is given away stands in the way if it becomes one.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hermetic.causes import Cause
from hermetic.migrate.steps.client.kinds import NO_TARGETS, Stack, Targets
from hermetic.source.bindings import Function

Form = Literal[
    "await",
    "client",
    "collect",
    "drop",
    "enter",
    "iterate",
    "next",
    "portal",
    "rename",
    "session",
    "sleep",
    "yield from",
]


Store = tuple[ast.ClassDef, str]
"""A class and an attribute of it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is converted as a whole: a function with all inside, a class of clients, a name, or the rest of a module.

    Attributes:
        file: The file.
        node: The outermost function, or the class; None for the others.
        name: The name of a module; empty for the rest.
    """

    file: Path
    node: ast.AST | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """Something to rewrite.

    Attributes:
        form: What has to be done.
        place: Where that to which it is done stands among the nodes of the file.
        line: The line of that.
        unit: In what it stands.
        function: The function in which it runs.
        targets: The functions, and stacks, one of which must be async for it; empty for always.
        new: The name that takes the place of that of ``node``, or of the method that it calls.
    """

    form: Form
    place: int
    line: int
    unit: Unit
    function: Function | None
    targets: Targets = NO_TARGETS
    new: str = ""

    @property
    def makes_async(self) -> bool:
        """Whether the function around it must be a coroutine function then."""
        return self.form not in ("rename", "client", "session", "drop") and not (
            self.form == "portal" and self.new
        )


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands in the way.

    Attributes:
        cause: Why.
        unit: In what it stands.
        line: On which line.
        text: What it is, with its names.
        targets: The functions one of which must be async for it; empty for always.
    """

    cause: Cause
    unit: Unit
    line: int
    text: str
    targets: Targets = NO_TARGETS


@dataclass
class Uses:
    """All uses of a suite.

    Attributes:
        found: What can be rewritten.
        obstacles: What stands in the way.
        needs: What each unit uses.
        asks: The fixtures that each unit asks for when it runs, which must stay if it does.
        forced: The functions that are async whatever is in them.
        follow: For each stack the functions, any of which makes it async if it is; none where something always does.
        review: What a person had better look at, and its line.
        named: What each unit uses of the names of modules.
        stored: What each unit uses of what is stored in attributes of classes.
    """

    found: list[Use] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    needs: dict[Unit, set[Unit]] = field(default_factory=lambda: defaultdict(set))
    asks: dict[Unit, set[Unit]] = field(default_factory=lambda: defaultdict(set))
    forced: set[ast.AST] = field(default_factory=set)
    follow: dict[Stack, list[Targets]] = field(default_factory=lambda: defaultdict(list))
    review: list[tuple[Unit, int, str]] = field(default_factory=list)
    named: dict[Unit, set[Unit]] = field(default_factory=lambda: defaultdict(set))
    stored: dict[Unit, set[Store]] = field(default_factory=lambda: defaultdict(set))

    def add(self, other: Uses) -> None:
        """Add those of another module."""
        self.found += other.found
        self.obstacles += other.obstacles
        self.forced |= other.forced
        self.review += other.review
        for unit, used in other.needs.items():
            self.needs[unit] |= used
        for unit, asked in other.asks.items():
            self.asks[unit] |= asked
        for stack, followed in other.follow.items():
            self.follow[stack] += followed


def line_of(node: ast.AST) -> int:
    """Return the line of a node; of a comprehension's part that of what it goes through."""
    found = node.iter if isinstance(node, ast.comprehension) else node
    found = found.context_expr if isinstance(found, ast.withitem) else found
    return int(getattr(found, "lineno", 1))
