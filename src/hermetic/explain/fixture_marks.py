"""A mark that is put on a fixture: pytest 9 refuses it and names neither of the two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hermetic.causes.event_loops import MARK_ON_FIXTURE
from hermetic.explain.failure import Explanation, Failure
from hermetic.explain.frames import attribute, frames, place_of
from hermetic.explain.history import History

REFUSED = "Marks cannot be applied to fixtures"

INSTEAD = {
    "asyncio": "of a loop's scope: @pytest_asyncio.fixture(loop_scope=...)",
    "anyio": "its argument anyio_backend has anyio's plugin run it for every test",
    "usefixtures": "what it needs is an argument of it",
    "parametrize": "@pytest.fixture(params=...), and request.param in it",
}
"""What does what is meant."""


def explain(failure: Failure, history: History) -> Iterator[Explanation]:
    """Name the mark and the fixture."""
    del history
    for error in failure.chain():
        found = next(_marked(error), None) if REFUSED in str(error) else None
        if found is not None:
            fixture, mark = found
            instead = INSTEAD.get(mark, "it is for the tests that ask for it")
            at = place_of(error, "the fixture")
            yield Explanation(
                MARK_ON_FIXTURE,
                (f"{at} puts the mark {mark} on the fixture {fixture!r}; marks are for tests.",),
                (f"{at}: delete @pytest.mark.{mark}; {instead}",),
            )


def _marked(error: BaseException) -> Iterator[tuple[str, str]]:
    """Give the fixture and its mark, from the frame of pytest's that refuses: either decorator may stand above."""
    for frame in frames(error):
        marked: Any = frame.f_locals.get("obj", frame.f_locals.get("function"))
        marks: Any = frame.f_locals.get("mark") or next(iter(attribute(marked, "pytestmark") or ()), None)
        name, mark = attribute(marked, "__name__"), attribute(marks, "name")
        if isinstance(name, str) and isinstance(mark, str):
            yield name, mark
