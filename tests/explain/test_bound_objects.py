"""Who keeps an object is said where a fixture or a global of the project does, itself or as an attribute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from starlette.applications import Starlette

from hermetic.code import Location
from hermetic.explain.bound_objects import holder_of
from hermetic.explain.failure import Failure, UsedFixture
from tests.explain.failing import TEST


class Proxy:
    """One that fails whatever it is asked for."""

    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        raise RuntimeError("no application is bound")


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    """A module of a project."""
    (tmp_path / "cache.py").write_text("proxy = None\nclient: object = object()\nshop = app = None\n")
    made = ModuleType("cache")
    made.__file__ = str(tmp_path / "cache.py")
    made.proxy, made.client, made.app = Proxy(), object(), Starlette()  # type: ignore[attr-defined]
    sys.modules["cache"] = made
    yield made
    del sys.modules["cache"]


def failure(*values: object) -> Failure:
    """A failed test whose fixtures gave these values."""
    here = Location("/shop/conftest.py", 5, "made")
    fixtures = tuple(UsedFixture("made", "session", here, is_async=True, value=value) for value in values)
    return Failure(TEST, "call", RuntimeError(), fixtures=fixtures)


def test_a_global(module: ModuleType) -> None:
    """By the line that makes it; what only another module made is none of this module's."""
    holder = holder_of(module.client, failure())
    assert holder is not None
    assert (holder.name, holder.words) == ("client", f"client is a global of cache ({module.__file__}:2)")
    module.imported = object()  # type: ignore[attr-defined]
    assert holder_of(module.imported, failure()) is None


def test_an_attribute(module: ModuleType) -> None:
    """Of a global, of the state of an application, and of a fixture's value."""
    module.app.extra, module.app.state.redis = object(), object()
    names = [
        getattr(holder_of(each, failure()), "name", "") for each in (module.app.extra, module.app.state.redis)
    ]
    assert names == ["app.extra", "app.state.redis"]
    holder = holder_of(module.app.extra, failure(1, module.app))
    assert holder is not None
    assert (holder.name, holder.words) == (
        "made.extra",
        "made is the value of fixture 'made' (session scope, /shop/conftest.py:5)",
    )


def test_nobody(module: ModuleType) -> None:
    """What is kept nowhere, or deeper, is nobody's."""
    module.app.state.pools = {"main": (deep := object())}
    assert holder_of(deep, failure(object(), None)) is None
