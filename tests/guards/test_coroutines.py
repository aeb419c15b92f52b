"""Coroutines that nobody awaits: which are told of, and where they were made."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from unittest import TestCase
from unittest.mock import AsyncMock, Mock

import pytest
from fastapi import FastAPI
from sqlalchemy import Column, Integer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base
from starlette.testclient import TestClient

from hermetic.events.lifecycle import Breach
from hermetic.guards.coroutines import Drops, UnawaitedWatch, UnrunWatch
from hermetic.owners import Owner, owned_by

TEST = Owner("test_it", "test", "function")
WIDE = Owner("fixture 'all' (session scope)", "fixture", "session")

pytestmark = pytest.mark.filterwarnings("default:.*never awaited:RuntimeWarning")


async def notify() -> None:
    """What should be awaited."""


class Mapped(declarative_base()):  # type: ignore[misc]
    """A row."""

    __tablename__ = "mapped"
    id = Column(Integer, primary_key=True)


class Closing:
    """What is closed asynchronously."""

    async def close(self) -> None:
        """Never run."""


class Pets(TestCase):
    """A class whose method nobody runs."""

    __test__ = False

    async def test_pet(self) -> None:
        """Never run."""


@contextmanager
def watched(
    by: Owner = TEST, kind: type[UnawaitedWatch] | type[UnrunWatch] = UnawaitedWatch
) -> Iterator[list[Breach]]:
    """Watch what is dropped inside; what was found is in the list at the end."""
    found: list[Breach] = []
    with warnings.catch_warnings(record=True), owned_by(by):
        watch = kind(Drops())
        watch.begin(TEST)
        try:
            yield found
        finally:
            found += watch.end(TEST)
            watch.stop()
            gc.collect()  # mocks are circles; here, where warnings are expected


def test_a_statement_without_await() -> None:
    """The line, its test, and the call with its await."""
    with watched() as found:
        notify()  # type: ignore[unused-coroutine]
    (breach,) = found
    assert (breach.owner, breach.location.file, breach.location.function) == (
        TEST,
        __file__,
        "test_a_statement_without_await",
    )
    first, second, change, _ = breach.message.splitlines()
    assert first == "test_it never awaited the coroutine notify, so that nothing of it has run. [HM801]"
    assert second == f"It was made at {breach.location}."
    assert change == f"change: {breach.location}: await notify()"


def test_what_a_library_drops() -> None:
    """A factory for synchronous Sessions that was given an asynchronous one: its name, the line that used it."""
    factory: Any = import_module("factory")
    made = factory.make_factory(Mapped, FACTORY_CLASS=import_module("factory.alchemy").SQLAlchemyModelFactory)
    made._meta.sqlalchemy_session = AsyncSession()
    made._meta.sqlalchemy_session_persistence = "flush"
    with watched() as found:
        made()
    (breach,) = found
    assert breach.location.function == "test_what_a_library_drops"
    assert "never awaited the coroutine AsyncSession.flush" in breach.message
    assert "MappedFactory was given an AsyncSession as its session." in breach.message
    assert f"change: {breach.location}: MappedFactory.build(), " in breach.message


def test_what_another_library_drops() -> None:
    """Then it is not known what else to call."""
    with watched() as found:
        contextlib.closing(Closing()).__exit__()
    (breach,) = found
    assert "contextlib called it, for " in breach.message
    assert "change: " in breach.message


def test_what_a_function_keeps() -> None:
    """It is dropped when the function of the test ends, which is looked through."""

    def test_function() -> None:
        kept = notify()
        del kept

    test = Owner("test_it", "test", "function", function=test_function)
    with watched(test) as found:
        test_function()
    (breach,) = found
    assert breach.location.line == test_function.__code__.co_firstlineno + 1


def test_the_same_line_again() -> None:
    """It is told once."""
    with watched() as found:
        for _ in range(3):
            notify()  # type: ignore[unused-coroutine]
    assert len(found) == 1


def test_what_nobody_is_to_blame_for() -> None:
    """What was ended, what a mock makes or keeps, and what a wider fixture's owner drops."""
    with watched() as found:
        notify().close()
        AsyncMock()()
        Mock()(notify())
        (lambda given: None)(notify())
    with watched(WIDE) as of_a_wider_one:
        notify()  # type: ignore[unused-coroutine]
    assert found == of_a_wider_one == []


def test_a_test_that_expects_the_warning() -> None:
    """It sees it as ever, and the guard says nothing; nor where somebody ignores it."""
    with watched() as found:
        with pytest.warns(RuntimeWarning, match="'notify' was never awaited") as caught:
            notify()  # type: ignore[unused-coroutine]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "coroutine .* was never awaited")
            notify()  # type: ignore[unused-coroutine]
    assert found == []
    assert caught[0].filename == __file__


def test_after_the_run() -> None:
    """Python tells as ever: its own function is back, or goes on below somebody's who came after."""
    original = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]
    with watched():
        assert warnings._warn_unawaited_coroutine is not original  # type: ignore[attr-defined]
    assert warnings._warn_unawaited_coroutine is original  # type: ignore[attr-defined]


def test_between_tests() -> None:
    """What is dropped there is nobody's."""
    watch = UnawaitedWatch(Drops())
    with warnings.catch_warnings(record=True) as told, owned_by(TEST):
        notify()  # type: ignore[unused-coroutine]
        watch.begin(TEST)
        assert list(watch.end(TEST)) == []
    watch.stop()
    assert len(told) == 1


def test_an_async_method_of_a_test_case() -> None:
    """What unittest drops is named with its class; what a test drops is not this guard's."""
    with watched(kind=UnrunWatch) as found, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Pets("test_pet").run()
        notify()  # type: ignore[unused-coroutine]
    (breach,) = found
    assert breach.message.startswith("test_it: nothing of the async method test_pet of Pets has run. [HM781]")
    assert "class Pets(unittest.IsolatedAsyncioTestCase)" in breach.message


def test_what_an_endpoint_keeps() -> None:
    """It is dropped when the endpoint ends, which is looked through."""
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> None:
        kept = notify()
        del kept

    client = TestClient(app)
    with watched(Owner("request GET /", "request", "function", TEST)) as found:
        client.get("/")
    (breach,) = found
    assert breach.location == (__file__, endpoint.__code__.co_firstlineno + 2, "endpoint")


async def setup_method() -> None:
    """What pytest calls before each test of a class."""


def called_by_pytest(function: Any) -> None:
    """Call it as pytest does, which drops what it returns."""
    exec("function()", {"__name__": "_pytest.python", "function": function})


def test_what_pytest_itself_calls() -> None:
    """It does not know that a set-up, or a finalizer, is async: the function is named, and what to write instead."""
    with watched() as found:
        called_by_pytest(setup_method)
        called_by_pytest(notify)
        called_by_pytest(asyncio.Event().wait)
    setup, finalizer = found
    assert setup.message.splitlines()[0].startswith(
        "pytest called setup_method, which is async, and awaited nothing"
    )
    at = f"{__file__}:{setup_method.__code__.co_firstlineno}"
    assert (
        f"change: {at}: an async fixture with autouse=True and a yield, in the place of setup_method"
        in setup.message
    )
    assert "have the fixture yield, and await behind that what notify does" in finalizer.message


def test_what_the_project_does_not_want_to_hear_of_pytest() -> None:
    """A filter of the project's holds here, too."""
    with watched() as found:
        warnings.simplefilter("ignore")
        called_by_pytest(setup_method)
    assert found == []
