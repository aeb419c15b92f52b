"""An attribute that a fixture has put on another instance of a test class than the test's."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator

from hermetic.causes.messages import ATTRIBUTE_OF_ANOTHER_INSTANCE
from hermetic.explain.failure import Explanation, Failure, UsedFixture
from hermetic.explain.frames import attribute, places, project_frames
from hermetic.explain.history import History


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the fixture of a wider scope that sets what the test's instance lacks."""
    del history
    error = failure.error
    frame = next(project_frames(error), None)
    name, holder = attribute(error, "name"), attribute(error, "obj")
    if not isinstance(error, AttributeError) or frame is None or frame.f_locals.get("self") is not holder:
        return
    for fixture in failure.fixtures:
        line = _line_that_sets(fixture, str(name)) if fixture.scope != "function" else None
        if line is not None and fixture.location is not None:
            at = places(error)[0]
            yield Explanation(
                ATTRIBUTE_OF_ANOTHER_INSTANCE,
                (
                    f"{at} looks for self.{name}, which {fixture} has set at line {line}, on another instance of"
                    f" {type(holder).__name__}: pytest makes one for each test, and one for such a fixture.",
                ),
                (
                    f"{fixture.location.file}:{line}: request.cls.{name} = ..., or return it, and take {fixture.name}"
                    " as an argument",
                ),
            )
            return


def _line_that_sets(fixture: UsedFixture, name: str) -> int | None:
    """Return the line of a method that is a fixture at which it sets an attribute of ``self``."""
    where = fixture.location
    if where is None:
        return None
    for node in ast.walk(ast.parse("".join(linecache.getlines(where.file)))):
        is_it = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == where.function
        for part in ast.walk(node) if is_it else ():
            is_set = isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
            if isinstance(part, ast.Attribute) and is_set and ast.unparse(part) == f"self.{name}":
                return part.lineno
    return None
