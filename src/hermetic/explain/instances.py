"""An attribute that a fixture has put on another instance of a test class than the test's."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hermetic.causes.messages import ATTRIBUTE_OF_ANOTHER_INSTANCE
from hermetic.explain.failure import Explanation, Failure, UsedFixture
from hermetic.explain.frames import attribute, places, project_frames
from hermetic.explain.history import History
from hermetic.expressions import nodes_of


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
    for node in nodes_of(fixture.location) if fixture.location is not None else ():
        is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node, ast.Attribute) and is_set and ast.unparse(node) == f"self.{name}":
            return node.lineno
    return None
