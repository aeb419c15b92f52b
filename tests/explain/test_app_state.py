"""Of an attribute of ``app.state`` that is missing it is said which test code sets it, where no start-up does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from hermetic.code import Location
from hermetic.explain.explanations import explanations
from hermetic.explain.failure import Failure, UsedFixture
from hermetic.explain.history import History
from tests.explain.failing import TEST

TESTS = """
import pytest


@pytest.fixture
def mailing(app):
    app.state.mailer = "a mailer"


def test_one(app):
    app.state.flags = {}
    assert app.state.flags == {}


def test_patched(app, monkeypatch):
    monkeypatch.setattr(app.state, "clock", 1)
"""


def application(**arguments: object) -> FastAPI:
    """Make an application that needs an attribute."""
    app = FastAPI(**arguments)  # type: ignore[arg-type]

    @app.get("/{name}")
    def needs(name: str, request: Request) -> object:
        return getattr(request.app.state, name)

    return app


def said_of(app: FastAPI, name: str, history: History, root: Path, *fixtures: UsedFixture) -> str:
    """Return what is said where an attribute is missing."""
    with pytest.raises(AttributeError) as caught:
        TestClient(app).get(f"/{name}")
    function = Location(str(root / "test_a.py"), 20, "test_two")
    return "".join(
        explanations(Failure(TEST, "call", caught.value, function, False, fixtures, root=str(root)), history)
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with test code that sets something."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "test_a.py").write_text(TESTS, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("mailer", "test_a.py:7 in mailing()"),
        ("flags", "test_a.py:11 in test_one()"),
        ("clock", "test_a.py:16 in test_patched()"),
    ],
)
def test_what_others_set(history: History, root: Path, name: str, where: str) -> None:
    """The line, and the test or the fixture."""
    text = said_of(application(), name, history, root)
    assert (
        f"needs app.state.{name}, which no start-up of the application sets: only {root}/{where} does" in text
    )
    assert "[HM748]" in text


def test_what_it_has_a_part_in(history: History, root: Path) -> None:
    """Nothing is said of a fixture that the test asked for, nor of what nobody sets."""
    fixture = UsedFixture("mailing", "function", Location(str(root / "test_a.py"), 5, "mailing"), False)
    assert said_of(application(), "mailer", history, root, fixture) == ""
    assert said_of(application(), "other", history, root) == ""


def test_lines_of_no_test_and_no_fixture(history: History, root: Path) -> None:
    """Nothing is said of a helper's, which may run for any test, nor of a file that cannot be parsed."""
    (root / "conftest.py").write_text("def prepare(app):\n    app.state.cache = 1\n", encoding="utf-8")
    (root / "test_b.py").write_text("def test_it(app:\n    app.state.cache = 1\n", encoding="utf-8")
    assert said_of(application(), "cache", history, root) == ""


def test_what_a_start_up_sets(history: History, root: Path) -> None:
    """That one did not run is the reason then."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.mailer = "a mailer"
        yield

    text = said_of(application(lifespan=lifespan), "mailer", history, root)
    assert "HM748" not in text
    assert "HM745" in text


def test_what_monkeypatch_deletes(history: History, root: Path) -> None:
    """The line that had set it, and the one that patches it."""
    (root / "app.py").write_text("app.state.clock = None\napp.state.mailer = None\n", encoding="utf-8")
    text = said_of(application(), "clock", history, root)
    assert f"needs app.state.clock, which {root}/app.py:1 had set" in text
    assert f"{root}/test_a.py:16 in test_patched() patches it" in text
    assert "[HM749]" in text
    assert said_of(application(), "mailer", history, root) == ""
