"""An attribute that a class's fixture has set on an instance of its own is named, with the fixture."""

from __future__ import annotations

from typing import Any

import pytest

from hermetic.code import location_of
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from hermetic.explain.instances import explain
from tests.explain.failing import TEST


class Authors:
    """A class of tests."""

    unset = ""

    def prepared(self) -> None:
        """Be a fixture."""
        self.author = f"{self.unset}Gogol"

    def uses(self, name: str) -> Any:
        """Be a test."""
        return self.__getattribute__(name)


def told(name: str, scope: str, *, is_placed: bool = True) -> str:
    """Return what is said of a test that lacks an attribute, with a fixture of a scope."""
    where = location_of(Authors.prepared) if is_placed else None
    with pytest.raises(AttributeError) as caught:
        Authors().uses(name)
    fixtures = (UsedFixture("prepared", scope, where, False),)
    return "\n".join(map(str, explain(Failure(TEST, "call", caught.value, fixtures=fixtures), History())))


def test_a_fixture_of_the_class() -> None:
    """The line that sets it, and what to write."""
    text = told("author", "class")
    line = Authors.prepared.__code__.co_firstlineno + 2
    assert f"has set at line {line}, on another instance of Authors" in text
    assert f"change: {__file__}:{line}: request.cls.author = ..." in text


@pytest.mark.parametrize(("name", "scope"), [("author", "function"), ("other", "class")])
def test_what_no_wider_fixture_sets(name: str, scope: str) -> None:
    """Nothing is said."""
    assert told(name, scope) == ""


def test_other_errors() -> None:
    """Nothing is said of a fixture without a place, nor of an attribute of something else."""
    assert told("author", "class", is_placed=False) == ""
    nothing: Any = None
    with pytest.raises(AttributeError) as caught:
        nothing.author  # noqa: B018
    assert not list(explain(Failure(TEST, "call", caught.value), History()))
    assert not list(explain(Failure(TEST, "call", ValueError("author")), History()))
