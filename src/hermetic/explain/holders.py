"""Where a project keeps an object: the fixture whose value it is, or the global of a module."""

from __future__ import annotations

import ast
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from hermetic.code import Location, is_library
from hermetic.explain.failure import Failure, UsedFixture


class Holder(NamedTuple):
    """Who keeps an object.

    Attributes:
        name: The fixture's, or the global's.
        words: What it is, with its name and its line.
        fixture: The fixture whose value it is; None for a global.
    """

    name: str
    words: str
    fixture: UsedFixture | None = None


def holder_of(thing: object, failure: Failure) -> Holder | None:
    """Return who keeps an object; None where it is neither a fixture's value nor a global of the project."""
    for fixture in failure.fixtures:
        if fixture.value is thing:
            return Holder(fixture.name, f"the value of {fixture}", fixture)
    return next((holder for module in list(sys.modules.values()) if (holder := _global(thing, module))), None)


def _global(thing: object, module: ModuleType) -> Holder | None:
    file = getattr(module, "__file__", None)
    if not file or is_library(file):
        return None
    for name, value in list(vars(module).items()):
        if value is thing and (at := _assignment(file, name)) is not None:
            return Holder(name, f"a global of {module.__name__} ({at})")
    return None


def _assignment(file: str, name: str) -> Location | None:
    """Return the line of a module that makes a global; None where it comes from another module."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return Location(file, node.lineno, "")
    return None
