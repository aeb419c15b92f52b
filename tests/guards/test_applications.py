"""Who asked an application, known to whatever it does."""

from __future__ import annotations

import asyncio
import calendar
import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy
from fastapi import FastAPI
from starlette.applications import Starlette

from hermetic import AsyncTestClient
from hermetic.guards.applications import ApplicationWatch, overriding_applications
from hermetic.owners import Owner, current, owned_by

TEST = Owner("a test", "test", "function")
SCOPE = {"type": "http", "method": "GET", "path": "/x"}


class Asked:
    """What an application found out about who asked it."""

    def __init__(self) -> None:
        self.owners: list[Owner] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Note the owner, in place of an application's middleware stack."""
        self.owners.append(current())


@pytest.fixture
def watch() -> Iterator[ApplicationWatch]:
    """Watch from the test's start to its end; Starlette is as it was afterwards."""
    original = Starlette.__call__
    watch = ApplicationWatch()
    watch.install()
    yield watch
    watch.uninstall()
    Starlette.__call__ = original  # type: ignore[method-assign]


def asked_by() -> str:
    """Ask an application for something; return who asked, as it sees it."""
    app = Starlette()
    app.middleware_stack = asked = Asked()
    with owned_by(TEST):
        asyncio.run(app(SCOPE, None, None))  # type: ignore[arg-type]
    return asked.owners[0].name


def test_a_request_is_its_tests(watch: ApplicationWatch) -> None:
    """From the start of the watch to its end."""
    before = Starlette.__call__
    watch.install()
    assert Starlette.__call__ is before
    assert asked_by() == "request GET /x of a test"
    watch.uninstall()
    assert asked_by() == "a test" and Starlette.__call__ is not before


def test_a_patch_that_came_later_stays(watch: ApplicationWatch) -> None:
    """Somebody who measures requests put it on top; it goes on, and so does a watch that starts again."""
    calls: list[Any] = []
    ours = Starlette.__call__

    async def measured(app: Any, scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["path"])
        await ours(app, scope, receive, send)

    Starlette.__call__ = measured  # type: ignore[assignment, method-assign]
    watch.uninstall()
    assert Starlette.__call__ is measured
    assert asked_by() == "a test"
    watch.install()
    assert asked_by() == "request GET /x of a test"
    watch.uninstall()
    assert Starlette.__call__ is measured and calls == ["/x", "/x"]


def test_a_watch_that_did_not_start_ends() -> None:
    """There is nothing to put back."""
    before = Starlette.__call__
    ApplicationWatch().uninstall()
    assert Starlette.__call__ is before


class Stuck:
    """What an application waits in for ever."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Wait, in place of an application's middleware stack."""
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    "ask",
    [lambda app: app(SCOPE, None, None), lambda app: AsyncTestClient(app).get("/x")],
    ids=["its", "ours"],
)
def test_a_request_that_is_collected_unfinished_says_nothing(
    watch: ApplicationWatch, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Starlette], Any]
) -> None:
    """Its loop was closed without a word to its tasks: nobody complains from within the collector, in any client."""
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    app = Starlette()
    app.middleware_stack = Stuck()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # that a task was destroyed is asyncio's to say
    request = loop.create_task(ask(app))
    loop.call_later(0, loop.call_soon, loop.stop)
    loop.run_forever()
    loop.close()
    del request, app
    gc.collect()
    assert said == []


@pytest.mark.parametrize("library", [sqlalchemy, calendar], ids=["a library", "the standard library"])
def test_a_library_holds_no_application_of_a_project(
    library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What modules of a project hold is found; those of libraries, most of all there is, are passed over."""
    held, passed_over = FastAPI(), FastAPI()
    monkeypatch.setattr(sys.modules[__name__], "held", held, raising=False)
    monkeypatch.setattr(library, "passed_over", passed_over, raising=False)
    found = overriding_applications()
    assert any(application is held for application in found)
    assert not any(application is passed_over for application in found)


def test_a_module_of_the_project_may_bear_a_name_of_pythons(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``profile.py`` of an application is no part of the standard library."""
    module = ModuleType("profile")
    module.__file__ = str(tmp_path / "profile.py")
    module.app = FastAPI()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "profile", module)
    assert any(application is module.app for application in overriding_applications())
