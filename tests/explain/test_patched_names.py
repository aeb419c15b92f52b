"""A patch of the name where a function is defined is named where another module has it by its own name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, cast
from unittest import mock

import pytest
from fastapi import Depends, FastAPI

from hermetic.events import emit
from hermetic.events.application import RequestEnded
from hermetic.explain.history import History
from hermetic.owners import Owner
from tests.explain.failing import TEST, said

BEFORE = (mock._patch.__enter__, pytest.MonkeyPatch.setattr)
REQUEST = Owner("request GET /", "request", "function", TEST)


def module_of(name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a module of a project."""
    module = ModuleType(name)
    module.__file__ = f"/shop/{name.replace('.', '/')}.py"
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(source, module.__file__, "exec"), vars(module))
    return module


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A service, and routes that have it by a name of their own."""
    module_of("shop_mail", "def send(to): return to\ndef user(): return 1", monkeypatch)
    yield module_of(
        "shop_routes",
        "from shop_mail import send, user\ndef invite(): return send('x')\ndef other(): return 1",
        monkeypatch,
    )


def requested(endpoint: Callable[..., Any], **arguments: Any) -> None:
    """Tell of a request that a route with this endpoint has answered."""
    shop = cast(Any, sys.modules["shop_routes"])
    shop.app = FastAPI()
    shop.app.add_api_route("/", endpoint, **arguments)
    emit(RequestEnded(REQUEST, "GET", "/", 500, 0.001, "", endpoint=id(endpoint)))


def test_a_patch_where_the_function_is_defined(shop: Any, history: History) -> None:
    """Where it was patched, who uses which name, and the name to patch."""
    with mock.patch("shop_mail.send"):
        requested(shop.invite)
    shop.app.mount("/static", FastAPI())
    emit(RequestEnded(REQUEST, "GET", "/unknown", 404, 0.001, ""))  # no route was found for it
    text = said(AssertionError("Called 0 times."), history)
    assert f"{__file__}:" in text
    assert "replaces shop_mail.send, and invite (/shop/shop_routes.py:2) uses shop_routes.send" in text
    assert 'change: patch("shop_routes.send")' in text


def test_a_monkeypatch(shop: Any, history: History) -> None:
    """pytest's is noted, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shop_mail.send", lambda to: None)
        requested(shop.invite)
    assert "shop_routes.send" in said(AssertionError("assert 500 == 200"), history)


def test_a_patch_that_reaches_the_code(shop: Any, history: History) -> None:
    """One of the name that is used, one that was called, and one that no code of a request names."""
    with mock.patch("shop_mail.send") as send, mock.patch("shop_routes.send"):
        requested(shop.invite)
    assert "HM774" not in said(AssertionError(), history)
    with mock.patch("shop_mail.send") as send:
        send()
        requested(shop.invite)
    history.begin(TEST)
    with mock.patch("shop_mail.send"):
        requested(shop.other)
    assert "HM774" not in said(AssertionError(), history)


def test_a_patched_dependency(shop: Any, history: History) -> None:
    """Its routes keep the function, whatever its name becomes."""
    user = cast(Any, sys.modules["shop_mail"]).user
    with mock.patch("shop_mail.user"):
        requested(shop.other, dependencies=[Depends(user)])
    text = said(AssertionError("assert 401 == 200"), history)
    assert f"{__file__}:" in text
    assert "the routes that depend on it keep the function" in text
    assert "change: app.dependency_overrides[user] = ..." in text


def test_an_attribute_of_an_object(history: History) -> None:
    """It is not noted: runners of tests replace one in each test, and nobody has it by a name of his own."""
    with mock.patch.object(REQUEST, "alive"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(REQUEST, "name", "another")
    assert history.patches.made == []


def test_nothing_is_noted_when_it_has_stopped(shop: Any, history: History) -> None:
    """Both are as they were."""
    history.stop()
    with mock.patch("shop_mail.send"):
        assert history.patches.made == []
    assert (mock._patch.__enter__, pytest.MonkeyPatch.setattr) == BEFORE
