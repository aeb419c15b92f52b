"""Where a project keeps an object: the fixture whose value it is, or the global of a module."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from hermetic.code import Location, project_modules
from hermetic.explain.failure import Failure, UsedFixture


class Holder(NamedTuple):
    """Who keeps an object.

    Attributes:
        name: What the object is there: the fixture, or the global, with the attribute that leads to it.
        words: What that fixture or global is, with its line.
        fixture: The fixture whose value it is; None for a global.
    """

    name: str
    words: str
    fixture: UsedFixture | None = None


def holder_of(thing: object, failure: Failure) -> Holder | None:
    """Return who keeps an object, itself or as an attribute; None where no fixture and no global of a project does."""
    for fixture in failure.fixtures:
        path = _path(fixture.value, thing)
        if path is not None:
            return Holder(f"{fixture.name}{path}", f"{fixture.name} is the value of {fixture}", fixture)
    return next((holder for module in project_modules() if (holder := _global(thing, module))), None)


def _path(kept: object, thing: object) -> str | None:
    """Return how an object leads to another one: empty for the same, ``.name`` for an attribute of it."""
    if kept is thing:
        return ""
    for name, value in _attributes_of(kept).items():
        if value is thing:
            return f".{name}"
        for key, each in _state_of(value).items() if name == "state" else ():
            if each is thing:
                return f".state.{key}"
    return None


def _attributes_of(kept: object) -> dict[str, object]:
    """Return what an object has in its dictionary; a proxy may fail to tell, with whatever error."""
    with suppress(Exception):
        found = kept.__dict__
        return dict(found) if isinstance(found, dict) else {}
    return {}


def _state_of(state: object) -> dict[str, object]:
    """Return what Starlette's ``app.state`` holds."""
    values = _attributes_of(state).get("_state")
    return values if isinstance(values, dict) else {}


def _global(thing: object, module: ModuleType) -> Holder | None:
    for name, value in list(vars(module).items()):
        if isinstance(value, type | ModuleType):
            continue
        path = _path(value, thing)
        if path is not None and (at := _assignment(str(module.__file__), name)) is not None:
            return Holder(f"{name}{path}", f"{name} is a global of {module.__name__} ({at})")
    return None


def _assignment(file: str, name: str) -> Location | None:
    """Return the line of a module that makes a global; None where it comes from another module."""
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return Location(file, node.lineno, "")
    return None
