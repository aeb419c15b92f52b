"""What an application keeps in memory of an earlier test is named where the failed test has met it."""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI

from hermetic.code import Location
from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.events.database import EngineResolved, Restored, Statement, TransactionEnded
from hermetic.explain.history import History
from hermetic.explain.holders import VALUES, holder_of
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

BEFORE = Owner("tests/test_users.py::test_before", "test", "function")
PLACE = Location("/shop/app.py", 7, "endpoint")
ERROR = AssertionError("assert 'No. 1: Ann' == 'No. 1: Bob'")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A module of an application."""
    module = ModuleType("shop_kept")
    module.__file__ = str(tmp_path / "shop_kept.py")
    Path(module.__file__).write_text("names = {}")
    monkeypatch.setitem(sys.modules, "shop_kept", module)
    return module


@pytest.fixture(autouse=True)
def undone(history: History) -> None:
    """The test before has written Ann's row."""
    emit(EngineResolved(None, None, "sqlite://", "a database of its own", "contained"))
    history.begin(BEFORE)
    emit(
        Statement(
            BEFORE, PLACE, "sqlite://", 1, "INSERT INTO users (name) VALUES (?)", "name='Ann'", 1, 0.001
        )
    )
    emit(TransactionEnded(BEFORE, PLACE, "sqlite://", 1, "commit"))
    emit(Restored("main", True, 0.001))
    history.begin(TEST)


@pytest.mark.parametrize("size", [None, 8])
def test_a_text_in_an_lru_cache(shop: Any, history: History, size: int | None) -> None:
    """With a limit and without: the test that wrote it, and the call that empties it."""
    shop.label = functools.lru_cache(size)(lambda number: f"No. {number}: Ann")
    shop.label(1)
    text = said(ERROR, history)
    assert "was given 'No. 1: Ann', which shop_kept.label still has" in text
    assert "tests/test_users.py::test_before had written to users" in text
    assert "change: a fixture with autouse=True: shop_kept.label.cache_clear()" in text


@pytest.mark.parametrize(
    "kept", [{1: "No. 1: Ann"}, [("a", "No. 1: Ann")], {1: SimpleNamespace(name="No. 1: Ann")}]
)
def test_a_text_in_a_collection(shop: Any, history: History, kept: Any) -> None:
    """Itself, or an attribute of what is kept."""
    shop.names = kept
    assert "which shop_kept.names still has" in said(ERROR, history)
    assert "shop_kept.names.clear()" in said(ERROR, history)


def test_a_text_that_is_the_application_s_own(shop: Any, history: History) -> None:
    """One that stands in the module, and one that this test has written too."""
    shop.names = ["No. 1: Ann"]
    Path(shop.__file__).write_text("names = ['No. 1: Ann']")
    assert "HM737" not in said(ERROR, history)
    Path(shop.__file__).write_text("")
    emit(Statement(TEST, PLACE, "sqlite://", 1, "INSERT INTO t VALUES (?)", "name='No. 1: Ann'", 1, 0.001))
    assert "HM737" not in said(ERROR, history)


@pytest.mark.parametrize("hits", [{"127.0.0.1": 4}, {"LIMITS/testclient": [1.0, 2.0, 3.0]}])
def test_a_limiter(shop: Any, history: History, hits: Any) -> None:
    """It has counted more than the test has sent; nothing is said where it has not."""
    kind = type("Limiter", (), {"__module__": "shop_kept", "reset": lambda self: None})
    shop.limiter = kind()
    shop.limiter.hits = defaultdict(list, hits)
    request = Owner("request GET /search", "request", "function", TEST)
    emit(RequestEnded(request, "GET", "/search", 429, 0.001, ""))
    text = said(AssertionError("assert 429 == 200"), history)
    assert "GET /search was answered by 429: shop_kept.limiter has counted more requests" in text
    assert "shop_kept.limiter.reset()" in text
    for _ in range(4):
        emit(RequestEnded(request, "GET", "/search", 429, 0.001, ""))
    assert "HM777" not in said(AssertionError("assert 429 == 200"), history)


def test_a_collection_that_is_too_large(shop: Any) -> None:
    """So many of its values are looked at and no more, so that a failure is told in time."""
    shop.kept = texts = [str(number) for number in range(2 * VALUES)]
    assert holder_of("", lambda each, key: each is texts[VALUES // 2]) is not None
    assert holder_of("", lambda each, key: each is texts[-1]) is None


def test_an_object_of_an_earlier_test(shop: Any, history: History) -> None:
    """What keeps it is found at the top of a module, in an application's state and middleware, and in a closure."""
    wanted = object()

    def closing() -> object:
        return wanted

    application = FastAPI()
    application.state.kept = [wanted]
    middleware = type("Keeper", (), {"__module__": "shop_kept"})()
    middleware.kept, middleware.app = wanted, None
    for value, name in (
        (wanted, "shop_kept.kept"),
        (application, "shop_kept.kept.state.kept"),
        (closing, "shop_kept.kept"),
    ):
        shop.kept = value
        holder = holder_of("", lambda each, key: each is wanted)
        assert holder is not None and holder.name == name
    application.state._state.clear()
    shop.kept = application
    application.middleware_stack = cast(Any, SimpleNamespace(app=middleware))
    holder = holder_of("", lambda each, key: each is wanted)
    assert holder is not None and holder.name == "the Keeper of shop_kept.kept"
    assert "by a factory" in holder.emptied


GIVEN = AssertionError("assert [{'title': 'Foo Bar'}] == []")
TWICE = AssertionError("assert 400 == 200")


def sent(method: str, status: int, body: str = "") -> None:
    """Tell of a request."""
    owner = Owner(f"request {method} /items", "request", "function", TEST)
    emit(RequestEnded(owner, method, "/items", status, 0.0, "", body=body))


def test_a_dictionary_in_the_place_of_a_database(shop: Any, history: History) -> None:
    """Where the test has put nothing into it: what it was given, or that it was refused."""
    shop.names = {"foobar": {"title": "Foo Bar"}}
    sent("GET", 200)
    text = said(GIVEN, history)
    assert "was given 'Foo Bar': shop_kept.names still has what earlier tests have put there" in text
    assert "change: a fixture with autouse=True: shop_kept.names.clear()" in text
    sent("POST", 400, '{"detail": "Item already exists"}')
    assert "was refused, 400: shop_kept.names still has" in said(TWICE, history)


def test_a_dictionary_that_the_test_has_filled(shop: Any, history: History) -> None:
    """Nothing is said; nor of one that is empty, nor of a refusal for another reason."""
    sent("POST", 400, '{"detail": "no title"}')
    assert "HM737" not in said(TWICE, history)
    shop.names = {"foobar": {"title": "Foo Bar"}}
    assert "HM737" not in said(TWICE, history)
    sent("POST", 201)
    assert "HM737" not in said(GIVEN, history)
