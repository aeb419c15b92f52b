"""A function that is replaced, and put back whatever others did to it meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from hermetic.patch import Patch


class Library:
    """Somebody's."""

    def answer(self) -> int:
        """Answer."""
        return 1


def doubling(patch: Patch) -> Callable[[Library], int]:
    """Answer twice as much, as long as the patch is on."""
    return lambda library: patch.original(library) * (2 if patch.is_on else 1)


def test_it_is_put_back() -> None:
    """Ours has the name of the one that it replaces."""
    before = Library.answer
    patch = Patch(Library, "answer", doubling)
    assert (Library().answer(), Library.answer.__name__, patch.is_on) == (2, "answer", True)
    patch.undo()
    patch.undo()
    assert Library.answer is before and not patch.is_on


def test_below_somebody_elses() -> None:
    """Ours is not taken away with theirs: it stays, and goes on idle."""
    first = Patch(Library, "answer", doubling)
    second = Patch(Library, "answer", doubling)
    assert Library().answer() == 4
    first.undo()
    assert Library().answer() == 2
    second.undo()
    assert Library().answer() == 1
    Library.answer = first.original  # type: ignore[method-assign]
